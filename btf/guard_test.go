package btf

import (
	"fmt"
	"sync"
	"testing"
	"testing/fstest"
)

// handleReads are all ways to read a blob through a Spec or Type that was got
// before its kernel was closed. Types are those of handleKernel.
var handleReads = []struct {
	name string
	read func(s *Spec, types []Type) any
}{
	{"name", func(_ *Spec, t []Type) any { return t[1].Name() }},
	{"member", func(_ *Spec, t []Type) any { return t[2].Member(1) }},
	{"enum value", func(_ *Spec, t []Type) any { return t[3].EnumValue(0) }},
	{"array", func(_ *Spec, t []Type) any { _, _, n := t[4].Array(); return n }},
	{"parameter", func(_ *Spec, t []Type) any { return t[5].Param(0) }},
	{"variable's linkage", func(_ *Spec, t []Type) any { return t[7].Linkage() }},
	{"section's variable", func(_ *Spec, t []Type) any { return t[8].SecVar(0) }},
	{"component", func(_ *Spec, t []Type) any { return t[9].ComponentIndex() }},
	{"int", func(_ *Spec, t []Type) any { _, bits, _ := t[1].Int(); return bits }},
	{"text", func(_ *Spec, t []Type) any { return t[2].String() }},
	{"type", func(s *Spec, _ []Type) any { t, ok := s.Type(9); return fmt.Sprint(t.Kind(), ok) }},
	{"strip", func(s *Spec, _ []Type) any { t, ok := s.Strip(6); return fmt.Sprint(t.Kind(), ok) }},
	{"string", func(s *Spec, _ []Type) any { text, _ := s.String(1); return text }},
	{"size", func(s *Spec, _ []Type) any { n, _ := s.Sizeof(4); return n }},
	{"declaration", func(s *Spec, _ []Type) any { return s.Declare(4, "x") }},
	{"by name", func(s *Spec, _ []Type) any { t, ok := s.ByName("pair", KindStruct); return fmt.Sprint(t.Kind(), ok) }},
	{"compatible", func(s *Spec, _ []Type) any { return Compatible(s, 2, s, 2) }},
}

func handleKernel(t *testing.T) mapped {
	t.Helper()
	b := NewBuilder(nil)
	number := b.AddInt("number", 4, IntSigned)
	pair := b.AddStruct("pair", 8, []Member{{Name: "a", Type: number}, {Name: "b", Type: number, Offset: 32}})
	b.AddEnum("choice", 4, false, []EnumValue{{"FIRST", 7}})
	b.AddArray(pair, number, 3)
	b.AddFuncProto(number, []Param{{"arg", number}})
	b.AddTypedef("alias", number)
	v := b.AddVar("variable", number, LinkageGlobal)
	b.AddDatasec(".data", 4, []SecVar{{v, 0, 4}})
	b.AddDeclTag("tag", pair, 1)
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return mapped{fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: raw}}}
}

// TestCloseBesideHandles: what reads a blob holds the guard while it does. The
// race detector sees it if something does not, as closing overwrites the blob.
func TestCloseBesideHandles(t *testing.T) {
	fsys := handleKernel(t)
	for range 10 {
		for _, r := range handleReads {
			closeBeside(t, fsys, r.name, r.read)
		}
	}
}

func closeBeside(t *testing.T, fsys mapped, name string, read func(*Spec, []Type) any) {
	k := NewKernel(fsys)
	s, err := k.Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	types := make([]Type, s.Len())
	for i := range types {
		types[i], _ = s.Type(ID(i))
	}
	want := read(s, types)
	var wg sync.WaitGroup
	running := make(chan struct{}, 2)
	for range cap(running) {
		wg.Go(func() {
			for n := 0; ; n++ {
				if got := read(s, types); got != want {
					return // it is closed
				}
				if n == 3 {
					running <- struct{}{}
				}
			}
		})
	}
	for range cap(running) {
		<-running
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if got := read(s, types); got == want {
		t.Errorf("%s of a closed kernel: still %v", name, got)
	}
}
