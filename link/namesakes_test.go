package link

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/prog"
)

const someSymbols = `ffffffff81000000 T unique
ffffffff81000010 t twice
ffffffff81000020 t twice
ffffffff81000030 t __pfx_gone
ffffffff81000040 t gone.cold
ffffffff81000050 t gone.isra.0
ffffffff81000060 t cloned.constprop.0
ffffffff81000070 t cloned.isra.1
ffffffff81000080 t promoted.llvm.99
ffffffffc0000000 t twice	[veth]
`

// TestNamesakes: what becomes of a name that the kernel refuses.
func TestNamesakes(t *testing.T) {
	refused := errors.New("refused")
	for _, tt := range []struct {
		symbol     string
		clones     bool
		want, says string
		candidates int
	}{
		{"unique", false, "", "refused", 0},
		{"twice", false, "", "twice: name is ambiguous: twice at 0xffffffff81000010, twice at 0xffffffff81000020, twice at 0xffffffffc0000000 in module veth: refused", 3},
		{"gone", false, "", "refused: no function of this name, but gone.isra.0 at 0xffffffff81000050", 0},
		{"gone", true, "gone.isra.0", "", 0},
		{"cloned", true, "", "cloned: name is ambiguous: cloned.constprop.0 at", 2},
		{"promoted", false, "promoted.llvm.99", "", 0},
		{"absent", true, "", "refused: no function of this name", 0},
	} {
		n, err := readNamesakes(tree.From(fstest.MapFS{"proc/kallsyms": {Data: []byte(someSymbols)}}), tt.symbol)
		if err != nil {
			t.Fatal(err)
		}
		got, err := n.other(tt.symbol, tt.clones, refused)
		if got != tt.want || (err != nil) != (tt.want == "") || err != nil && (!strings.HasPrefix(err.Error(), tt.says) || !errors.Is(err, refused)) {
			t.Errorf("%s: %q, %v", tt.symbol, got, err)
		}
		var several *AmbiguousError
		if errors.As(err, &several) != (tt.candidates != 0) || several != nil && len(several.Candidates) != tt.candidates {
			t.Errorf("%s: %+v", tt.symbol, several)
		}
	}
}

func TestNamesakesInModule(t *testing.T) {
	for _, tt := range []struct {
		module, symbol string
		clones         bool
		want           uint64
		is             error
	}{
		{"veth", "twice", false, 0xffffffffc0000000, nil},
		{"vmlinux", "twice", false, 0, ErrAmbiguous},
		{"vmlinux", "unique", false, 0xffffffff81000000, nil},
		{"vmlinux", "promoted", false, 0xffffffff81000080, nil},
		{"vmlinux", "gone", false, 0, fs.ErrNotExist},
		{"vmlinux", "gone", true, 0xffffffff81000050, nil},
		{"dummy", "twice", true, 0, fs.ErrNotExist},
	} {
		n, err := readNamesakes(tree.From(fstest.MapFS{"proc/kallsyms": {Data: []byte(someSymbols)}}), tt.symbol)
		if err != nil {
			t.Fatal(err)
		}
		f, err := n.inModule(tt.module, tt.symbol, tt.clones)
		if f.Address != tt.want || !errors.Is(err, tt.is) {
			t.Errorf("%s:%s: %v, %v", tt.module, tt.symbol, f, err)
		}
	}
	n := &namesakes{hidden: true, exact: []Function{{Name: "f"}}}
	if _, err := n.inModule("vmlinux", "f", false); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("hidden addresses: %v", err)
	}
}

// TestKprobeAmbiguous: the kernel refuses a name that stands for several
// functions; the error has them, and each can be probed by its address.
func TestKprobeAmbiguous(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS")
	p := counting(t, newCounter(t), prog.Spec{Type: prog.Kprobe}, 0)
	for _, legacy := range []bool{false, true} {
		l, err := AttachKprobe(p, KprobeOptions{Symbol: "name_show", Legacy: legacy})
		if err == nil { // before Linux 6.7, the first
			l.Close()
			if testutil.KernelAtLeast(t, "6.7") {
				t.Error("attached to one of several functions")
			}
			continue
		}
		var several *AmbiguousError
		if !errors.As(err, &several) || !errors.Is(err, ErrAmbiguous) || !legacy && !errors.Is(err, sys.EADDRNOTAVAIL) || len(several.Candidates) < 2 {
			t.Fatalf("%v", err)
		}
		f := several.Candidates[1]
		if l, err = AttachKprobe(p, KprobeOptions{Address: f.Address, Legacy: legacy}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := AttachKprobe(p, KprobeOptions{Symbol: "name_show", Module: "vmlinux"})
	if !errors.Is(err, ErrAmbiguous) {
		t.Errorf("in vmlinux: %v", err)
	}
	for _, o := range []KprobeOptions{{Symbol: "skep_absent"}, {Symbol: "skep_absent", Module: "vmlinux"}, {Symbol: "skep_absent", Legacy: true}} {
		if _, err := AttachKprobe(p, o); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no function") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestKprobeInModule(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_KPROBES", "CONFIG_DUMMY")
	c := newCounter(t)
	p := counting(t, c, prog.Spec{Type: prog.Kprobe}, 0)
	l, err := AttachKprobe(p, KprobeOptions{Symbol: "dummy_setup", Module: "dummy"})
	if err != nil {
		t.Fatal(err)
	}
	fires(t, c, l, func() {
		if ip(t, "link add skepkp type dummy") {
			ip(t, "link del skepkp")
		}
	})
	if _, err := AttachKprobe(p, KprobeOptions{Symbol: "dummy_setup", Module: "veth"}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "in module dummy") {
		t.Errorf("in another module: %v", err)
	}
}

// TestKprobeClones looks for functions of which the compiler left a clone alone.
func TestKprobeClones(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.Require(t, "", "CONFIG_KPROBES", "CONFIG_KPROBE_EVENTS")
	exact, clones := map[string]bool{}, map[string][]string{}
	err := kernel.EachText(kernel.FS("/"), func(s *kernel.Text) {
		base, suffix, cut := bytes.Cut(s.Name, []byte("."))
		if !cut {
			exact[string(base)] = true
		} else if string(suffix) == "isra.0" || string(suffix) == "constprop.0" {
			clones[string(base)] = append(clones[string(base)], string(s.Name))
		} else {
			exact[string(base)] = exact[string(base)] || !bytes.HasSuffix(suffix, []byte("cold"))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p := counting(t, newCounter(t), prog.Spec{Type: prog.Kprobe}, 0)
	tried, attached := 0, 0
	for base, names := range clones {
		if exact[base] || len(names) != 1 || strings.HasPrefix(base, "__") || tried == 20 {
			continue
		}
		tried++
		_, err := AttachKprobe(p, KprobeOptions{Symbol: base})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no function of this name, but "+names[0]) {
			t.Errorf("%s: %v", base, err)
		}
		l, err := AttachKprobe(p, KprobeOptions{Symbol: base, Clones: true})
		if err != nil {
			continue // some must not be probed
		}
		attached++
		if d, ok := l2info(t, l).Details.(PerfEventInfo); !ok || d.Name != names[0] {
			t.Error(cmp.Diff(names[0], d.Name))
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if attached == 3 {
			break
		}
	}
	if attached == 0 {
		t.Errorf("%d tried, none attached", tried)
	}
}
