package verifierlog

import (
	"strings"
)

// Explanation is why a program was rejected, as far as the log says.
type Explanation struct {
	Reason      string // the line or lines that say what is wrong; "" if there are none
	Insn        int    // instruction that is meant, in slots; -1 if unknown
	Instruction string // that instruction's text
	Source      string // source line that the instruction comes from
	File        string // its file (Linux 6.9)
	Line        int    // its line (Linux 6.9)
	Func        string // global function that was being validated, if not the program itself
	Register    string // register that the reason begins with, such as "R1"
	State       string // last known state of Register
	Hint        string // what may help; "" if nothing is known
	Poison      Poison // what the loader itself put where nothing could be resolved
}

// maxReasonLines bounds the reason: some rejections take two lines, and a
// log of an unknown form must not become one long reason.
const maxReasonLines = 3

// maxText bounds what one line, or one section of the diagnosis, contributes
// to an explanation, in bytes.
const maxText = 512

// diagTitle begins the report that Linux 7.3 writes behind the old line.
const diagTitle = "Verification failed: "

// explainer follows the log to its end. Nothing grows with the log: it keeps
// parts of the text.
type explainer struct {
	Explanation
	reason [maxReasonLines]string
	n      int
	diag   diagnosis
}

// Explain finds the reason of a rejection. On the log of an accepted program
// it gives no Reason.
func (l Log) Explain() Explanation {
	x := explainer{Explanation: Explanation{Insn: -1}}
	for ev := range l.Events() {
		x.add(ev)
	}
	x.Reason = strings.Join(x.reason[:x.n], "; ")
	x.diag.fill(&x.Explanation)
	if x.Reason == "" {
		return x.Explanation
	}
	if n := namedInsn(x.Reason); n >= 0 && n != x.Insn {
		x.Insn, x.Instruction = n, ""
		x.findInstruction(l)
	}
	x.Poison = poisonOf(x.Reason, x.Insn)
	x.Register = registerOf(x.Reason)
	if x.Register != "" {
		x.State = l.lastState(x.Register)
	}
	if x.Hint == "" && x.Poison.Kind == NotPoison {
		x.Hint = hintFor(x.Reason)
	}
	return x.Explanation
}

func (x *explainer) add(ev Event) {
	switch ev.Kind {
	case Message:
		if x.n < maxReasonLines {
			text := strings.TrimSpace(ev.Text)
			x.reason[x.n] = text[:min(len(text), maxText)]
			x.n++
		}
	case Instruction:
		x.Insn, x.Instruction, x.n = ev.Insn, ev.Text[:min(len(ev.Text), maxText)], 0
	case Branch:
		x.Insn, x.Instruction, x.n = ev.Insn, "", 0
		x.Source, x.File, x.Line = "", "", 0
	case Source:
		x.Source, x.File, x.Line, x.n = ev.Text[:min(len(ev.Text), maxText)], ev.File, ev.Line, 0
		if ev.Insn >= 0 {
			x.Insn, x.Instruction = ev.Insn, ""
		}
	case Function:
		if strings.HasPrefix(ev.Text, "func#") {
			break
		}
		x.n, x.Func = 0, ""
		if !strings.HasPrefix(ev.Text, "Func#") {
			x.Func = ev.Text
		}
	case Diagnosis:
		x.diag.add(ev.Text)
	}
}

// findInstruction looks for what the log shows of the instruction that the
// reason names.
func (x *Explanation) findInstruction(l Log) {
	var src, last Event
	for ev := range l.Events() {
		switch {
		case ev.Kind == Source:
			src = ev
		case ev.Kind == Branch:
			src = Event{}
		case ev.Kind == Instruction && ev.Insn == x.Insn:
			x.Instruction, last = ev.Text, src
		}
	}
	if x.Instruction != "" {
		x.Source, x.File, x.Line = last.Text, last.File, last.Line
	}
}

// namedInsn is the instruction that a reason names: "unreachable insn 2",
// "back-edge from insn 3 to 0", "infinite loop detected at insn 5".
func namedInsn(reason string) int {
	for _, lead := range [...]string{"unreachable insn ", "from insn ", " at insn "} {
		if _, after, ok := strings.Cut(reason, lead); ok {
			n, _ := leadingInt(after)
			return n
		}
	}
	return -1
}

// registerOf is the register that a reason begins with, or "".
func registerOf(reason string) string {
	if !strings.HasPrefix(reason, "R") {
		return ""
	}
	n, rest := leadingInt(reason[1:])
	if n < 0 || rest != "" && rest[0] != ' ' && rest[0] != ':' {
		return ""
	}
	return reason[:len(reason)-len(rest)]
}

// lastState is the last value that the log shows for a register.
func (l Log) lastState(reg string) string {
	found := ""
	for ev := range l.Events() {
		if s := stateOf(ev.State, reg); s != "" {
			found = s
		}
	}
	return found
}

// stateOf finds reg in "R0=1 R1_w=scalar(var_off=(0x0; 0xff)) fp-8=mmmm":
// values may hold spaces in parentheses.
func stateOf(state, reg string) string {
	depth, start := 0, 0
	for i := 0; i <= len(state); i++ {
		if i < len(state) {
			switch state[i] {
			case '(':
				depth++
			case ')':
				depth--
			}
			if state[i] != ' ' || depth > 0 {
				continue
			}
		}
		if rest, ok := strings.CutPrefix(state[start:i], reg); ok && rest != "" && (rest[0] == '=' || rest[0] == '_') {
			if _, v, ok := strings.Cut(rest, "="); ok {
				return v
			}
		}
		start = i + 1
	}
	return ""
}
