package verifierlog

import (
	"strconv"
	"strings"
)

// diagnosis gathers the report of Linux 7.3 (kernel/bpf/diagnostics.c): a
// title, then sections "Reason:", "At:", "Causal path:" and "Suggestion:",
// each with indented text.
type diagnosis struct {
	title      string
	section    string
	at         string
	reason     string
	suggestion string
}

func (d *diagnosis) add(line string) {
	if title, ok := strings.CutPrefix(line, diagTitle); ok {
		*d = diagnosis{title: title[:min(len(title), maxText)]}
		return
	}
	if line != "" && line[0] != ' ' && strings.HasSuffix(line, ":") {
		d.section = line
		return
	}
	text := strings.TrimSpace(line)
	if text == "" {
		return
	}
	switch d.section {
	case "Reason:":
		d.reason = joinText(d.reason, text)
	case "Suggestion:":
		d.suggestion = joinText(d.suggestion, text)
	case "At:":
		if d.at == "" {
			d.at = text[:min(len(text), maxText)]
		}
	}
}

func joinText(a, b string) string {
	if a == "" || len(a)+len(b) > maxText {
		return a + b[:min(len(b), max(0, maxText-len(a)))]
	}
	return a + " " + b
}

// fill puts into x what the old part of the log did not say.
func (d *diagnosis) fill(x *Explanation) {
	if d.title == "" {
		return
	}
	if x.Reason == "" {
		x.Reason = d.title
	}
	x.Hint = d.suggestion
	if x.Hint == "" {
		x.Hint = d.reason
	}
	if n, ok := strings.CutPrefix(d.at, "insn "); ok {
		if n, err := strconv.Atoi(n); err == nil && x.Insn < 0 {
			x.Insn = n
		}
		return
	}
	d.place(x)
}

// place reads "func @ file.c:12:3".
func (d *diagnosis) place(x *Explanation) {
	_, at, ok := strings.Cut(d.at, " @ ")
	if !ok {
		at = d.at
	}
	at, _, ok = cutLast(at, ":")
	file, line, ok2 := cutLast(at, ":")
	n, err := strconv.Atoi(line)
	if !ok || !ok2 || err != nil || x.File != "" {
		return
	}
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		file = file[i+1:]
	}
	x.File, x.Line = file, n
}
