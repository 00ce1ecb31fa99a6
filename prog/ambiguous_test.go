package prog_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// twins is the BTF of a kernel in which "same" is two functions of one prototype,
// and "other" two of different ones.
func twins(t *testing.T) *btf.Kernel {
	t.Helper()
	const strs = "\x00int\x00long\x00x\x00same\x00other\x00once\x00"
	const kindInt, kindFunc, kindProto = 1, 12, 13
	u := func(kind, vlen uint32) uint32 { return kind<<24 | vlen }
	words := []uint32{
		1, u(kindInt, 0), 4, 1<<24 | 32, // 1: int
		5, u(kindInt, 0), 8, 1<<24 | 64, // 2: long
		0, u(kindProto, 1), 1, 10, 1, // 3: int (int x)
		0, u(kindProto, 1), 1, 10, 2, // 4: int (long x)
		12, u(kindFunc, 0), 3, // 5: same
		12, u(kindFunc, 0), 3, // 6: same
		17, u(kindFunc, 0), 3, // 7: other
		17, u(kindFunc, 0), 4, // 8: other
		23, u(kindFunc, 0), 4, // 9: once
	}
	o := binary.NativeEndian
	b := o.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0)
	for _, w := range []uint32{24, 0, uint32(4 * len(words)), uint32(4 * len(words)), uint32(len(strs))} {
		b = o.AppendUint32(b, w)
	}
	for _, w := range words {
		b = o.AppendUint32(b, w)
	}
	k := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: append(b, strs...)}})
	t.Cleanup(func() { k.Close() })
	return k
}

// TestAmbiguousTypes: types of one name are one target only if they say the same.
func TestAmbiguousTypes(t *testing.T) {
	k := twins(t)
	resolve := func(name string) (btf.ID, error) {
		s := prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceFentry, Target: prog.Target{Name: name}}
		err := s.Resolve(k)
		return s.Target.ID, err
	}
	for name, want := range map[string]btf.ID{"once": 9, "same": 5, "vmlinux:same": 5} {
		if id, err := resolve(name); id != want || err != nil {
			t.Errorf("%s: %d, %v", name, id, err)
		}
	}
	_, err := resolve("other")
	var several *prog.AmbiguousError
	if !errors.As(err, &several) || !errors.Is(err, prog.ErrAmbiguous) {
		t.Fatalf("%v", err)
	}
	want := []prog.Function{{Name: "other", Type: 7, Proto: "int other(int)"}, {Name: "other", Type: 8, Proto: "int other(long)"}}
	if diff := cmp.Diff(want, several.Candidates); diff != "" {
		t.Error(diff)
	}
	if want := "other: name is ambiguous: [7] int other(int), [8] int other(long)"; err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestCheckUnique(t *testing.T) {
	list := []prog.Function{{Name: "f", Address: 1}, {Name: "f", Address: 2}, {Name: "f", Module: "m", Address: 3}}
	for module, ambiguous := range map[string]bool{"": true, "vmlinux": true, "m": false, "other": false} {
		target := prog.Target{Name: "f", Module: module}
		err := target.CheckUnique(list)
		if errors.Is(err, prog.ErrAmbiguous) != ambiguous || (err != nil) != ambiguous {
			t.Errorf("in %q: %v", module, err)
		}
		if ambiguous && err.Error() != "f: name is ambiguous: f at 0x1, f at 0x2" {
			t.Error(err)
		}
	}
	var many []prog.Function
	for range 20 {
		many = append(many, list[0])
	}
	e := &prog.AmbiguousError{Name: "f", Candidates: many}
	if !strings.HasSuffix(e.Error(), "f at 0x1 and 12 more") {
		t.Error(e)
	}
}

// TestUnique loads a program for a function that is to be the only one of its
// name. Old kernels have names of several that their BTF knows once.
func TestUnique(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.RequireTrampolines(t, fentry.Try)
	k := kernelTypes(t)
	try := func(name string) error {
		p, err := prog.Load(&prog.Spec{
			Name: "unique", License: "GPL", Type: prog.Tracing, Attach: prog.AttachTraceFentry,
			Target: prog.Target{Name: name, Unique: true}, Insns: asm.Instructions{asm.Mov(asm.R0, 0), asm.Exit()},
		}, &prog.Options{Kernel: k})
		if err == nil {
			p.Close()
		}
		return err
	}
	if err := try("vfs_read"); err != nil {
		t.Error(err)
	}
	functions, err := k.Functions("", func([]byte) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range functions {
		names = append(names, f.Name())
	}
	found, err := prog.Namesakes(names...)
	if err != nil {
		t.Fatal(err)
	}
	several := 0
	for i, f := range functions {
		target := prog.Target{Name: names[i]}
		if target.CheckUnique(found[names[i]]) == nil || !f.Traceable() {
			continue
		}
		if several++; several > 3 {
			continue
		}
		if err := try(names[i]); !errors.Is(err, prog.ErrAmbiguous) {
			t.Errorf("%s: %v", names[i], err)
		}
	}
	t.Logf("%d of %d names stand for several functions", several, len(names))
}
