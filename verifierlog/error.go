package verifierlog

import (
	"fmt"
	"io"
	"strings"
)

// Error is a failure of an operation that the kernel writes a log for. Its
// text is one line; %+v adds the whole log.
type Error struct {
	Op  string // what failed, such as "program counts: load"
	Err error  // cause, wrapping the errno
	Log Log    // what the kernel wrote; may be empty

	// Name gives the name of what a poisoned call stands for, or "". Loaders
	// set it: only they know what they numbered. May be nil.
	Name func(Poison) string
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Explain is the log's explanation, with the poison's name filled in.
func (e *Error) Explain() Explanation {
	x := e.Log.Explain()
	if x.Poison.Kind == NotPoison {
		return x
	}
	x.Reason, x.Hint = x.Poison.Kind.String(), ""
	if e.Name != nil {
		if name := e.Name(x.Poison); name != "" {
			x.Reason += ": " + name
		}
	}
	return x
}

// Error is the operation, the cause, the reason and where it applies.
func (e *Error) Error() string {
	text := ""
	if e.Op != "" {
		text = e.Op + ": "
	}
	if e.Err != nil {
		text += e.Err.Error()
	}
	x := e.Explain()
	if x.Reason == "" {
		return text
	}
	text += ": " + x.Reason
	if where := x.where(); where != "" {
		text += " (" + where + ")"
	}
	return text
}

// where is the place in source if the log names it, else the instruction.
func (x *Explanation) where() string {
	var parts []string
	if x.Insn >= 0 {
		insn := fmt.Sprintf("insn %d", x.Insn)
		if x.Source == "" && x.Instruction != "" {
			insn += ": " + x.Instruction
		}
		parts = append(parts, insn)
	}
	if x.File != "" {
		parts = append(parts, fmt.Sprintf("%s:%d", x.File, x.Line))
	}
	where := strings.Join(parts, ", ")
	if x.Source != "" {
		where = strings.TrimPrefix(where+": "+x.Source, ": ")
	}
	return where
}

// Format implements fmt.Formatter: %v and %s give Error, %q quotes it, and %+v
// gives Error, the hint, and every line of the log.
func (e *Error) Format(f fmt.State, verb rune) {
	switch {
	case verb == 'q':
		fmt.Fprintf(f, "%q", e.Error())
	case verb == 'v' && f.Flag('+'):
		_, _ = io.WriteString(f, e.Error())
		if hint := e.Explain().Hint; hint != "" {
			_, _ = io.WriteString(f, "\n\thint: "+hint)
		}
		for line := range e.Log.Lines() {
			_, _ = io.WriteString(f, "\n\t"+line)
		}
	default:
		_, _ = io.WriteString(f, e.Error())
	}
}
