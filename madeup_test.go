package skep_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/skepbpf/skep/btf"
)

const madeUpModule = "testdata/kernel/skep_mod.btf"

// TestMadeUpModule holds the types of the made-up kernel's module against what
// they are made of here: split BTF, whose ids and strings continue vmlinux's.
func TestMadeUpModule(t *testing.T) {
	b, err := os.ReadFile("testdata/kernel/vmlinux.btf")
	if err != nil {
		t.Fatal(err)
	}
	base, err := btf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	want := madeUpModuleTypes(t, base, binary.LittleEndian.Uint32(b[20:]))
	if *update {
		if err := os.WriteFile(madeUpModule, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(madeUpModule)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not made of these types and this vmlinux.btf: -update", madeUpModule)
	}
	if _, err := btf.ParseSplit(got, base); err != nil {
		t.Error(err)
	}
}

// madeUpModuleTypes are those of
//
//	int skep_mod_kfunc(int flags, struct task_struct *p);
//	DEFINE_PER_CPU(int, skep_mod_percpu);
//
// Strings of the base end at strEnd.
func madeUpModuleTypes(t *testing.T, base *btf.Spec, strEnd uint32) []byte {
	t.Helper()
	num, ok := base.ByName("int", btf.KindInt)
	task, ok2 := base.ByName("task_struct", btf.KindStruct)
	if !ok || !ok2 {
		t.Fatal("vmlinux.btf lacks int or task_struct")
	}
	first := uint32(base.Len())
	strs := []byte{}
	str := func(s string) uint32 {
		off := strEnd + uint32(len(strs))
		strs = append(append(strs, s...), 0)
		return off
	}
	var types []byte
	words := func(list ...uint32) {
		for _, w := range list {
			types = binary.LittleEndian.AppendUint32(types, w)
		}
	}
	kind := func(k btf.Kind, vlen uint32) uint32 { return uint32(k)<<24 | vlen }
	words(0, kind(btf.KindPtr, 0), uint32(task.ID()))                                                       // first
	words(0, kind(btf.KindFuncProto, 2), uint32(num.ID()), str("flags"), uint32(num.ID()), str("p"), first) // +1
	words(str("skep_mod_kfunc"), kind(btf.KindFunc, uint32(btf.LinkageStatic)), first+1)                    // +2
	words(str("skep_mod_percpu"), kind(btf.KindVar, 0), uint32(num.ID()), uint32(btf.LinkageGlobal))        // +3
	words(str(".data..percpu"), kind(btf.KindDatasec, 1), 4, first+3, 0, 4)                                 // +4
	b := []byte{0x9f, 0xeb, 1, 0}
	for _, w := range []uint32{24, 0, uint32(len(types)), uint32(len(types)), uint32(len(strs))} {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return append(append(b, types...), strs...)
}
