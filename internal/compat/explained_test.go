package compat

import "testing"

// note explains the difference of one program, or of all of an object where
// program is empty.
type note struct{ object, program, why string }

// onlySkep are programs that skep loads and libbpf does not.
var onlySkep = []note{
	{"legacy", "", "libbpf dropped the section maps of struct bpf_map_def"},
	{"staticprog", "", "libbpf refuses objects with a static function in a section of its own"},
	{"kconfig_strong", "needs_none", "libbpf resolves externs of the whole object: a missing one stops programs that do not use it"},
	{"kfunc_bad", "needs_none", "as kconfig_strong, for symbols and functions"},
	{"mapinmap", "", "libbpf fails a load whose prog-array slot names a program that is off"},
	{"everything", "", "as mapinmap"},
	{"linkmaps", "", "as mapinmap"},
	{"prune", "", "as mapinmap"},
	{"upgrade1", "", "as mapinmap"},
	{"upgrade2", "", "as mapinmap"},
	{"ksym_other_type", "none", "as kconfig_strong, for a variable's type"},
	{"ringvalue", "", "libbpf passes on the size of a ring buffer's values, which the kernel does not take"},
	{"sections", "device", "as off"},
	{"staticmap", "", "libbpf refuses maps that are static"},
	{"off", "prefix_only", "xdp/lo is no exact section; the text before the slash decides (libbpf leaves the type unset)"},
}

// differing are programs that both load with different instructions or attributes.
var differing = []note{}

func explained(table []note, k key) (string, bool) {
	for _, n := range table {
		if n.object == k.object && (n.program == "" || n.program == k.program) {
			return n.why, true
		}
	}
	return "", false
}

// stale fails for an explanation of something that does not happen (any more).
func stale(t *testing.T, rows []row) {
	t.Helper()
	for outcome, table := range map[string][]note{"skep only": onlySkep, "differs": differing} {
		for _, n := range table {
			used := false
			for _, r := range rows {
				used = used || r.outcome == outcome && r.object == n.object && (n.program == "" || n.program == r.program)
			}
			if !used {
				t.Errorf("%s %s: explained as %q, but is not so", n.object, n.program, outcome)
			}
		}
	}
}
