package verifierlog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEvents(t *testing.T) {
	for _, tt := range []struct {
		line string
		want Event
	}{
		{"", Event{Kind: Blank, Insn: -1}},
		{"0: R1=ctx() R10=fp0", Event{State, 0, "0: R1=ctx() R10=fp0", "R1=ctx() R10=fp0", "", 0}},
		{"0: R1_w=ctx(id=0,off=0,imm=0) R10=fp0", Event{State, 0, "0: R1_w=ctx(id=0,off=0,imm=0) R10=fp0", "R1_w=ctx(id=0,off=0,imm=0) R10=fp0", "", 0}},
		{" frame1: R1=ctx() R10=fp0", Event{State, -1, " frame1: R1=ctx() R10=fp0", "frame1: R1=ctx() R10=fp0", "", 0}},
		{"0: (b7) r1 = 0                        ; R1=0", Event{Instruction, 0, "(b7) r1 = 0", "R1=0", "", 0}},
		{"7: (0f) r1 += r2                      ; frame1: R1=4", Event{Instruction, 7, "(0f) r1 += r2", "frame1: R1=4", "", 0}},
		{"12: (85) call bpf_map_lookup_elem#1", Event{Instruction, 12, "(85) call bpf_map_lookup_elem#1", "", "", 0}},
		{"1: (55) if r0 != 0x0 goto pc-1 1: R0=scalar(umin=1) R10=fp0", Event{Instruction, 1, "(55) if r0 != 0x0 goto pc-1", "R0=scalar(umin=1) R10=fp0", "", 0}},
		{"; return p[1]; @ bad.c:4", Event{Source, -1, "return p[1];", "", "bad.c", 4}},
		{"; a @ b @ bad.c:4", Event{Source, -1, "a @ b", "", "bad.c", 4}},
		{"; @ bad.c:4", Event{Source, -1, "", "", "bad.c", 4}},
		{"; x = a @ b;", Event{Source, -1, "x = a @ b;", "", "", 0}},
		{"; return p[1];", Event{Source, -1, "return p[1];", "", "", 0}},
		{"3: for (;;) @ bad.c:9", Event{Source, 3, "for (;;)", "", "bad.c", 9}},
		{"from 5 to 8: R0=0 R10=fp0", Event{Branch, 8, "from 5 to 8: R0=0 R10=fp0", "R0=0 R10=fp0", "", 0}},
		{"from 5 to 8: safe", Event{Branch, 8, "from 5 to 8: safe", "", "", 0}},
		{"from 5 to 8 (speculative execution): safe", Event{Branch, 8, "from 5 to 8 (speculative execution): safe", "", "", 0}},
		{"mark_precise: frame0: last_idx 5 first_idx 0 subseq_idx -1", Event{Kind: Precision, Insn: -1, Text: "mark_precise: frame0: last_idx 5 first_idx 0 subseq_idx -1"}},
		{"regs=4 stack=0 before 4: (07) r2 += -4", Event{Kind: Precision, Insn: -1, Text: "regs=4 stack=0 before 4: (07) r2 += -4"}},
		{"Validating check() func#1...", Event{Kind: Function, Insn: -1, Text: "check"}},
		{"func#0 @0", Event{Kind: Function, Insn: -1, Text: "func#0 @0"}},
		{"processed 2 insns (limit 1000000) max_states_per_insn 0", Event{Kind: Counters, Insn: -1, Text: "processed 2 insns (limit 1000000) max_states_per_insn 0"}},
		{"  0: .1........ (b7) r1 = 0", Event{Kind: State, Insn: 0, Text: "  0: .1........ (b7) r1 = 0"}},
		{"insns processed 8", Event{Kind: Counters, Insn: -1, Text: "insns processed 8"}},
		{"topo_order[0] = ", Event{Kind: State, Insn: -1, Text: "topo_order[0] = "}},
		{"subprog#0: analyzing (depth 0)...", Event{Kind: State, Insn: -1, Text: "subprog#0: analyzing (depth 0)..."}},
		{"stack use/def subprog#0 (d0,cs0):", Event{Kind: State, Insn: -1, Text: "stack use/def subprog#0 (d0,cs0):"}},
		{"R1 invalid mem access 'scalar'", Event{Kind: Message, Insn: -1, Text: "R1 invalid mem access 'scalar'"}},
		{"R1 type=scalar expected=fp, pkt, pkt_meta", Event{Kind: Message, Insn: -1, Text: "R1 type=scalar expected=fp, pkt, pkt_meta"}},
		{"from here on nothing is known", Event{Kind: Message, Insn: -1, Text: "from here on nothing is known"}},
		{"BPF program is too large. Processed 1000001 insn", Event{Kind: Message, Insn: -1, Text: "BPF program is too large. Processed 1000001 insn"}},
		{"99999999999: (b7) r1 = 0", Event{Kind: Message, Insn: -1, Text: "99999999999: (b7) r1 = 0"}},
	} {
		var c classifier
		if diff := cmp.Diff(tt.want, c.classify(tt.line)); diff != "" {
			t.Errorf("%s:\n%s", tt.line, diff)
		}
	}
}

func TestStateOf(t *testing.T) {
	const state = "R1_w=scalar(smin=0,var_off=(0x0; 0xff)) R10=fp0 fp-8=mmmm R2=pkt(r=0)"
	for reg, want := range map[string]string{
		"R1": "scalar(smin=0,var_off=(0x0; 0xff))", "R10": "fp0", "R2": "pkt(r=0)", "R3": "", "R": "",
	} {
		if got := stateOf(state, reg); got != want {
			t.Errorf("%s: got %q, want %q", reg, got, want)
		}
	}
}
