package verifierlog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// want is what a log is explained with, without its hint.
type explained struct {
	name string
	want Explanation
	hint string // part of it
}

func none(kind PoisonKind, insn, index int) Poison { return Poison{kind, insn, index} }

var notPoison = Poison{Insn: -1}

// recorded are logs that Linux 6.18 wrote; the programs stand in package
// prog's tests.
var recorded = []explained{
	{"core", Explanation{Reason: "invalid func unknown#195896080", Insn: 1, Instruction: "(85) call unknown#195896080", Poison: none(PoisonCORE, 1, 0)}, ""},
	{"map", Explanation{Reason: "invalid func unknown#2001000003", Insn: 0, Instruction: "(85) call unknown#2001000003", Poison: none(PoisonMap, 0, 3)}, ""},
	{"kfunc", Explanation{Reason: "invalid func unknown#2002000007", Insn: 0, Instruction: "(85) call unknown#2002000007", Poison: none(PoisonKfunc, 0, 7)}, ""},
	{"helper", Explanation{Reason: "invalid func unknown#9999", Insn: 0, Instruction: "(85) call unknown#9999", Poison: notPoison}, "does not have the helper"},
	{"null", Explanation{
		Reason: "R0 invalid mem access 'map_value_or_null'", Insn: 7, Instruction: "(79) r0 = *(u64 *)(r0 +0)",
		Register: "R0", State: "map_value_or_null(id=1,ks=4,vs=8)", Poison: notPoison,
	}, "compare the pointer with NULL"},
	{"outside", Explanation{
		Reason: "invalid access to map value, value_size=8 off=8 size=8; R0 min value is outside of the allowed memory range",
		Insn:   8, Instruction: "(79) r1 = *(u64 *)(r0 +8)", Poison: notPoison,
	}, "against the size"},
	{"scalar", Explanation{
		Reason: "R1 invalid mem access 'scalar'", Insn: 1, Instruction: "(79) r0 = *(u64 *)(r1 +0)",
		Register: "R1", State: "7", Poison: notPoison,
	}, "number"},
	{"lines", Explanation{
		Reason: "R1 invalid mem access 'scalar'", Insn: 1, Instruction: "(79) r0 = *(u64 *)(r1 +8)", Source: "return p[1];", File: "bad.c", Line: 4,
		Register: "R1", State: "0", Poison: notPoison,
	}, "number"},
	{"unreached", Explanation{Reason: "unreachable insn 1", Insn: 1, Poison: notPoison}, "never run"},
	{"endless", Explanation{
		Reason: "infinite loop detected at insn 1", Insn: 1, Instruction: "(55) if r0 != 0x0 goto pc-1", Poison: notPoison,
	}, "bound its counter"},
	{"verdict", Explanation{
		Reason: "At program exit the register R0 has smin=7 smax=7 should have been in [0, 1]", Insn: 1, Instruction: "(95) exit", Poison: notPoison,
	}, ""},
	{"gpl", Explanation{
		Reason: "cannot call GPL-restricted function from non-GPL compatible program", Insn: 1, Instruction: "(85) call bpf_probe_read_kernel#113", Poison: notPoison,
	}, "license"},
}

// TestKernelSymbolHints: how kernels refuse what they do not let programs have
// (kernel/bpf/verifier.c, from 5.10 on).
func TestKernelSymbolHints(t *testing.T) {
	for reason, want := range map[string]string{
		"calling kernel function bpf_cpumask_create is not allowed":         "not for this program type",
		"BPF_CALL uses reserved fields":                                     "since Linux 5.13",
		"pseudo btf_id 12 in ldimm64 isn't KIND_VAR.":                       "since Linux 6.4",
		"ldimm64 failed to find the address for kernel symbol 'runqueues'.": "CONFIG_KALLSYMS_ALL",
		"cannot find address for kernel function bpf_ct_release":            "module",
		"BPF_EXIT uses reserved fields":                                     "",
	} {
		if got := hintFor(reason); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: hint %q, want %q", reason, got, want)
		}
	}
}

func TestExplainRecorded(t *testing.T) {
	for _, tt := range recorded {
		b, err := os.ReadFile(filepath.Join("testdata", "6.18", tt.name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		check(t, tt, Parse(b))
		if st, ok := Parse(b).Stats(); !ok || st.Limit != 1000000 {
			t.Errorf("%s: figures %+v, %v", tt.name, st, ok)
		}
	}
}

func check(t *testing.T, tt explained, l Log) {
	t.Helper()
	got := l.Explain()
	if !strings.Contains(got.Hint, tt.hint) || tt.hint == "" && got.Hint != "" {
		t.Errorf("%s: hint %q", tt.name, got.Hint)
	}
	got.Hint = ""
	if diff := cmp.Diff(tt.want, got); diff != "" {
		t.Errorf("%s:\n%s", tt.name, diff)
	}
}

// layouts are logs in the layouts of other kernels, put together after their
// sources: kernel/bpf/verifier.c of 5.10, kernel/bpf/diagnostics.c of 7.3.
var layouts = []struct {
	log string
	explained
}{
	{
		"func#0 @0\n0: R1=ctx(id=0,off=0,imm=0) R10=fp0\n; int x = *p;\n0: (b7) r1 = 0\n1: R1_w=inv0 R10=fp0\n; return x;\n1: (79) r0 = *(u64 *)(r1 +8)\n" +
			"R1 invalid mem access 'inv'\nprocessed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
		explained{"5.10", Explanation{
			Reason: "R1 invalid mem access 'inv'", Insn: 1, Instruction: "(79) r0 = *(u64 *)(r1 +8)", Source: "return x;",
			Register: "R1", State: "inv0", Poison: notPoison,
		}, "number"},
	},
	{
		"0: R1=ctx() R10=fp0\n; return p[1]; @ bad.c:4\n1: (79) r0 = *(u64 *)(r1 +8)\nR1 invalid mem access 'scalar'\n" +
			"\nVerification failed: Register type safety: Dereference of a scalar\n\nReason:\n  Register R1 holds an integer scalar,\n  which is no pointer.\n" +
			"\nAt:\n  prog @ src/bad.c:4:9\n  Source context:\n      3 |   int *p = NULL;\n  >>> 4 |   return p[1];\n        |   ^-- error: dereference of a scalar\n" +
			"  Instruction context:\n      0 | (b7) r1 = 0\n  >>> 1 | (79) r0 = *(u64 *)(r1 +8)\n" +
			"\nCausal path:\n  prog @ src/bad.c:3:7\n\nSuggestion:\n  Load the value from\n  a pointer.\n\n" +
			"processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
		explained{"7.3", Explanation{
			Reason: "R1 invalid mem access 'scalar'", Insn: 1, Instruction: "(79) r0 = *(u64 *)(r1 +8)", Source: "return p[1];", File: "bad.c", Line: 4,
			Register: "R1", State: "ctx()", Poison: notPoison,
		}, "Load the value from a pointer."},
	},
	{
		"\nVerification failed: Program structure: Unreachable code\n\nReason:\n  No path leads here.\n\nAt:\n  insn 4\n",
		explained{"7.3 without the old line", Explanation{Reason: "Program structure: Unreachable code", Insn: 4, Poison: notPoison}, "No path leads here."},
	},
	{
		"0: (05) goto pc+0\n\nfrom 3 to 7: R0=1 R10=fp0\n7: (bf) r0 = r6\nR6 !read_ok\n",
		explained{"a second path", Explanation{
			Reason: "R6 !read_ok", Insn: 7, Instruction: "(bf) r0 = r6", Register: "R6", Poison: notPoison,
		}, "never set"},
	},
	{
		"Validating helper() func#1...\n5: R1=mem_or_null(id=1,sz=4) R10=fp0\n; return *x; @ a.c:7\n5: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'mem_or_null'\n",
		explained{"a global function", Explanation{
			Reason: "R1 invalid mem access 'mem_or_null'", Insn: 5, Instruction: "(61) r0 = *(u32 *)(r1 +0)", Source: "return *x;", File: "a.c", Line: 7,
			Func: "helper", Register: "R1", State: "mem_or_null(id=1,sz=4)", Poison: notPoison,
		}, "NULL"},
	},
	{
		"2: if (x) @ a.c:3\n4: goto again; @ a.c:9\nback-edge from insn 4 to 2\nprocessed 0 insns (limit 1000000)\n",
		explained{"control flow", Explanation{
			Reason: "back-edge from insn 4 to 2", Insn: 4, Source: "goto again;", File: "a.c", Line: 9, Poison: notPoison,
		}, "5.3"},
	},
	{
		"0: R1=ctx(off=0,imm=0) R10=fp0\n0: (85) call bpf_get_prandom_u32#7    ; R0_w=scalar()\n1: (55) if r0 != 0x0 goto pc-1 1: R0=scalar() R10=fp0\n" +
			"1: (55) if r0 != 0x0 goto pc-1 infinite loop detected at insn 1\nprocessed 10 insns (limit 1000000)\n",
		explained{"6.1", Explanation{
			Reason: "infinite loop detected at insn 1", Insn: 1, Instruction: "(55) if r0 != 0x0 goto pc-1", Poison: notPoison,
		}, "bound its counter"},
	},
	{
		"0: R1=ctx() R10=fp0\n0: (bf) r0 = r5\nR5 !read_ok\nverification time 3447 usec\nstack depth 0 max 0\ninsns processed 1\nprocessed 1 insns (limit 1000000)\n",
		explained{"7.2", Explanation{
			Reason: "R5 !read_ok", Insn: 0, Instruction: "(bf) r0 = r5", Register: "R5", Poison: notPoison,
		}, "never set"},
	},
	{"", explained{"nothing", Explanation{Insn: -1, Poison: Poison{}}, ""}},
	{
		"0: (b7) r0 = 0\n1: (95) exit\nprocessed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
		explained{"accepted", Explanation{Insn: 1, Instruction: "(95) exit"}, ""},
	},
	{
		"a new kernel's words\nin many lines\nthat nobody knows\nand more\n",
		explained{"unknown", Explanation{Reason: "a new kernel's words; in many lines; that nobody knows", Insn: -1, Poison: notPoison}, ""},
	},
}

func TestExplainLayouts(t *testing.T) {
	for _, tt := range layouts {
		check(t, tt.explained, Parse([]byte(tt.log)))
	}
}
