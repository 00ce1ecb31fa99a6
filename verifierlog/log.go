// Package verifierlog reads what the kernel's verifier writes about a program:
// it splits the text into events, finds the line that says why the program
// was rejected, and carries both in an error.
//
// The text is no stable interface. Everything here keeps the whole log, and a
// line of no known form is a Message, so that a new kernel's words are shown
// rather than lost.
package verifierlog

import (
	"bytes"
	"iter"
	"strings"
)

// Log is the text of one verification. The zero Log is empty.
type Log struct {
	text string
}

// Parse takes the contents of a log buffer, up to its first NUL. It accepts
// any bytes; b is copied and may be reused.
func Parse(b []byte) Log {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return Log{strings.TrimRight(string(b), "\n")}
}

// String is the whole log, without trailing newlines.
func (l Log) String() string { return l.text }

// Empty reports whether the kernel said nothing.
func (l Log) Empty() bool { return l.text == "" }

// Lines gives the lines of the log, first to last, without their newlines.
func (l Log) Lines() iter.Seq[string] {
	return func(yield func(string) bool) {
		if l.text == "" {
			return
		}
		for rest, more := l.text, true; more; {
			var line string
			line, rest, more = strings.Cut(rest, "\n")
			if !yield(strings.TrimRight(line, "\r")) {
				return
			}
		}
	}
}

// Events gives one event per line, first to last, and two for a line on which
// a message follows an instruction. Texts share the log's memory.
func (l Log) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		var c classifier
		for line := range l.Lines() {
			ev := c.classify(line)
			message := ev.cutMessage()
			if !yield(ev) {
				return
			}
			if message != "" && !yield(Event{Kind: Message, Insn: -1, Text: message}) {
				return
			}
		}
	}
}
