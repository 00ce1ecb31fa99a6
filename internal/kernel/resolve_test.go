package kernel

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/tree"
)

func TestReadNamesakes(t *testing.T) {
	const text = `ffffffff81000000 T unique
ffffffff81000010 t twice
ffffffff81000020 t twice
ffffffff81000020 t twice
ffffffff81000030 t __pfx_unique
ffffffff81000040 t unique.cold
ffffffff81000050 t split.part.0
ffffffff81000060 t split.isra.0
ffffffff81000070 t split.isra.0.constprop.1
ffffffff81000080 t split.isra.0.cold
ffffffff81000090 t promoted.llvm.123456
ffffffff810000a0 d unique
ffffffffc0000000 t twice	[veth]
`
	root := tree.From(fstest.MapFS{"proc/kallsyms": {Data: []byte(text)}})
	got, hidden, err := ReadNamesakes(root, []string{"unique", "twice", "split", "promoted", "absent", ""})
	want := map[string]*Namesakes{
		"unique": {Exact: []Function{{"unique", "", 0xffffffff81000000}}},
		"twice":  {Exact: []Function{{"twice", "", 0xffffffff81000010}, {"twice", "", 0xffffffff81000020}, {"twice", "veth", 0xffffffffc0000000}}},
		"split":  {Clones: []Function{{"split.isra.0", "", 0xffffffff81000060}, {"split.isra.0.constprop.1", "", 0xffffffff81000070}}},
		"promoted": {Renamed: []Function{
			{"promoted.llvm.123456", "", 0xffffffff81000090},
		}},
		"absent": {},
	}
	if diff := cmp.Diff(want, got); diff != "" || hidden || err != nil {
		t.Errorf("hidden %v, %v\n%s", hidden, err, diff)
	}
	root = tree.From(fstest.MapFS{"proc/kallsyms": {Data: []byte("0 t twice\n0 t twice\n")}})
	if got, hidden, err := ReadNamesakes(root, []string{"twice"}); !hidden || err != nil || len(got["twice"].Exact) != 2 {
		t.Errorf("hidden addresses: %v, %v, %v", got, hidden, err)
	}
	if _, _, err := ReadNamesakes(tree.From(fstest.MapFS{}), []string{"x"}); err == nil {
		t.Error("no kallsyms")
	}
}
