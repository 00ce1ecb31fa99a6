package verifierlog

import (
	"strconv"
	"strings"
)

// Kind says what a line of the log is.
type Kind uint8

// The kinds of lines.
const (
	Message     Kind = iota // free text: the reason of a rejection is one of these
	Blank                   // empty line
	Instruction             // "5: (85) call bpf_x#1   ; R0=…"
	State                   // registers and stack, or what is about to follow them
	Source                  // "; x = *p; @ file.c:12"
	Branch                  // "from 5 to 8: …": another path begins
	Precision               // backtracking of precise registers
	Function                // "Validating f() func#1..."
	Counters                // figures at the end of the log
	Diagnosis               // part of the report that Linux 7.3 adds
)

var kindNames = [...]string{
	"message", "blank", "instruction", "state", "source", "branch",
	"precision", "function", "counters", "diagnosis",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Event is one line of the log, understood.
type Event struct {
	Kind Kind
	// Insn is the instruction, counted in slots of 8 bytes from the
	// program's start; -1 if the line names none. For a Branch it is where
	// the path goes on.
	Insn int
	// Text is the instruction, the source line, the function's name, or else
	// the whole line.
	Text string
	// State is the registers' state that the line shows, if any.
	State string
	// File and Line are where a Source line stands. Requires Linux 6.9.
	File string
	Line int
}

// prefixes that settle what a line is. The words are those of verbose() calls
// in kernel/bpf/{verifier,backtrack,states,log}.c, 4.14 to 7.3.
var prefixes = [...]struct {
	text string
	kind Kind
}{
	{"processed ", Counters},
	{"insns processed ", Counters}, // beside the older words, Linux 7.2
	{"verification time ", Counters},
	{"stack depth ", Counters},
	{"subprog ", Counters},
	{"max_states_per_insn ", Counters},
	{"mark_precise: ", Precision},
	{"last_idx ", Precision},
	{"regs=", Precision},
	{"parent didn't have regs=", Precision},
	{"parent already had regs=", Precision},
	{"parent state regs=", Precision},
	{"propagating ", Precision},
	{"frame ", Precision},
	{"caller:", State},
	{"callee:", State},
	{"returning from callee:", State},
	{"to caller at ", State},
	{"from callback ", State},
	{"cur state:", State},
	{"old state:", State},
	{"Live regs before insn:", State},
	{"topo_order[", State}, // these three: Linux 7.2, log level 2
	{"subprog#", State},
	{"stack use/def ", State},
	{"func#", Function},
	{"Func#", Function},
	{"Validating ", Function},
}

// classifier remembers what a line may depend on: once the diagnosis has
// begun, only the figures end it.
type classifier struct {
	diagnosis bool
}

func (c *classifier) classify(line string) Event {
	ev := Event{Insn: -1, Text: line}
	if strings.HasPrefix(line, diagTitle) {
		c.diagnosis = true
	}
	if c.diagnosis {
		ev.Kind = Diagnosis
		if _, ok := parseStats(line); ok {
			c.diagnosis = false
			ev.Kind = Counters
		}
		return ev
	}
	trimmed := strings.TrimLeft(line, " \t")
	switch {
	case trimmed == "":
		ev.Kind = Blank
	case trimmed[0] == ';':
		ev.source(trimmed[1:])
	case isState(trimmed):
		ev.Kind, ev.State = State, trimmed
	case strings.HasPrefix(line, "from "):
		ev.branch(line)
	case ev.numbered(trimmed):
	default:
		ev.byPrefix(line)
	}
	return ev
}

func (ev *Event) byPrefix(line string) {
	for _, p := range prefixes {
		if !strings.HasPrefix(line, p.text) {
			continue
		}
		ev.Kind = p.kind
		if name, ok := strings.CutPrefix(line, "Validating "); ok {
			ev.Text, _, _ = strings.Cut(name, "(")
		}
		return
	}
}

// source reads "text @ file.c:12"; kernels before 6.9 write only the text.
func (ev *Event) source(s string) {
	ev.Kind, ev.Text = Source, strings.TrimSpace(s)
	text, at, found := cutLast(s, " @ ")
	if !found {
		return
	}
	file, num, ok := cutLast(at, ":")
	n, err := strconv.Atoi(num)
	if !ok || err != nil {
		return
	}
	ev.File, ev.Line = file, n
	ev.Text = strings.TrimSpace(text)
}

// branch reads "from 5 to 8: R0=…" and "from 5 to 8: safe".
func (ev *Event) branch(line string) {
	from, rest := leadingInt(line[len("from "):])
	if from < 0 || !strings.HasPrefix(rest, " to ") {
		return
	}
	to, rest := leadingInt(rest[len(" to "):])
	if to < 0 {
		return
	}
	ev.Kind, ev.Insn = Branch, to
	if _, state, ok := strings.Cut(rest, ": "); ok && isState(state) {
		ev.State = state
	}
}

// numbered reads lines that begin with the index of an instruction: the
// instruction, its state, or (from the control flow pass) its source line.
func (ev *Event) numbered(line string) bool {
	n, rest := leadingInt(line)
	if n < 0 || !strings.HasPrefix(rest, ":") {
		return false
	}
	rest = strings.TrimLeft(rest[1:], " ")
	ev.Insn = n
	switch {
	case isOpcode(rest):
		text, state, _ := strings.Cut(rest, "; ")
		if s, ok := inlineState(text); ok {
			text, state = text[:len(text)-len(s)], s
			text, _, _ = cutLast(text, strconv.Itoa(n)+": ")
		}
		ev.Kind, ev.Text = Instruction, strings.TrimSpace(text)
		if isState(state) {
			ev.State = state
		}
	case rest == "" || isState(rest):
		ev.Kind, ev.State = State, rest
	case rest[0] == '.' || rest[0] >= '0' && rest[0] <= '9':
		ev.Kind = State // which registers are alive, Linux 6.15, log level 2
	default:
		ev.source(rest)
	}
	return true
}

// inlineState is the state behind an instruction whose line a new path
// continues: "(55) if r0 != 0x0 goto pc-1 1: R0=scalar() R10=fp0".
func inlineState(text string) (string, bool) {
	i := strings.Index(text, ": R")
	if i < 0 || !isState(text[i+2:]) {
		return "", false
	}
	return text[i+2:], true
}

// cutMessage takes a message off the text of a jump, behind which kernels
// before 6.2 do not always end the line: "(55) if r0 != 0x0 goto pc-1 infinite
// loop detected at insn 1".
func (ev *Event) cutMessage() string {
	if ev.Kind != Instruction {
		return ""
	}
	_, target, ok := strings.Cut(ev.Text, "goto pc")
	if !ok || target == "" {
		return ""
	}
	_, rest := leadingInt(target[1:]) // behind the sign
	message := strings.TrimSpace(rest)
	if message == "" || rest[0] != ' ' || message[0] == ';' {
		return ""
	}
	ev.Text = ev.Text[:len(ev.Text)-len(rest)]
	return message
}

// isOpcode reports whether s begins with an opcode as in "(b7) r0 = 0".
func isOpcode(s string) bool {
	return len(s) >= 4 && s[0] == '(' && isHex(s[1]) && isHex(s[2]) && s[3] == ')'
}

// isState reports whether s begins with a register or a stack slot and its
// value: "R1=ctx()", "R0_w=0", "fp-8=mmmm", " frame1: R1=…".
func isState(s string) bool {
	if rest, ok := strings.CutPrefix(s, "frame"); ok {
		n, rest := leadingInt(rest)
		return n >= 0 && strings.HasPrefix(rest, ":") && !strings.Contains(rest, "propagating")
	}
	name, _, ok := strings.Cut(s, "=")
	if !ok || len(name) > len("fp-512_rwpu") {
		return false
	}
	if rest, ok := strings.CutPrefix(name, "fp"); ok {
		return strings.HasPrefix(rest, "-")
	}
	rest, ok := strings.CutPrefix(name, "R")
	if !ok {
		return false
	}
	n, rest := leadingInt(rest)
	return n >= 0 && !strings.Contains(rest, " ") || strings.HasPrefix(s, "R ")
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
}

// leadingInt reads the digits that s begins with; -1 if there are none, or
// too many.
func leadingInt(s string) (int, string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 || i > len("2147483647") {
		return -1, s // an error of ParseInt would cost memory for every line
	}
	n, err := strconv.ParseInt(s[:i], 10, 32)
	if err != nil {
		return -1, s
	}
	return int(n), s[i:]
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
