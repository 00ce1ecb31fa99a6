package btf

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/elffile"
)

// sections is the BTF of an object: .BTF and, if it has one, .BTF.ext.
type sections struct {
	name     string
	btf, ext []byte
}

// treeObjects are the objects that the tree keeps.
func treeObjects(t testing.TB) []sections {
	t.Helper()
	paths, err := filepath.Glob("../testdata/*.o")
	if err != nil || len(paths) == 0 {
		t.Fatal("no test objects", err)
	}
	var out []sections
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elffile.OpenBytes(b)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		p := sections{name: filepath.Base(path)}
		for sec, dst := range map[string]*[]byte{".BTF": &p.btf, ".BTF.ext": &p.ext} {
			if i, ok := f.Section(sec); ok {
				if *dst, err = f.Data(i); err != nil {
					t.Fatal(err)
				}
			}
		}
		if p.btf != nil {
			out = append(out, p)
		}
	}
	return out
}

// checkRoundTrip: parsed and written anew, the bytes are the same; so they are
// after two changes of the byte order.
func checkRoundTrip(t *testing.T, p sections) {
	t.Helper()
	s, err := Parse(p.btf)
	if err != nil {
		t.Errorf("%s: %v", p.name, err)
		return
	}
	b := NewBuilder(&BuilderOptions{Order: s.Order(), Layout: s.hdr.layoutN > 0})
	b.AddSpec(s)
	if got, err := b.Bytes(); err != nil || !bytes.Equal(got, p.btf) {
		t.Errorf("%s: built, it is not the same bytes: %v", p.name, err)
	}
	other := binary.ByteOrder(binary.BigEndian)
	if s.hdr.big {
		other = binary.LittleEndian
	}
	swapped, err := s.InOrder(other)
	if err != nil || swapped.Order() != other || !equalLines(dump(s), dump(swapped)) {
		t.Errorf("%s: other byte order: %v", p.name, err)
		return
	}
	if back, err := swapped.InOrder(s.Order()); err != nil || !bytes.Equal(back.Bytes(), p.btf) {
		t.Errorf("%s: byte order there and back: %v", p.name, err)
	}
	if p.ext == nil {
		return
	}
	ext, err := ParseExt(p.ext, s)
	if err != nil {
		t.Errorf("%s: %v", p.name, err)
		return
	}
	if got, err := b.Ext(ext); err != nil || !bytes.Equal(got, p.ext) {
		t.Errorf("%s: .BTF.ext written anew: %d bytes of %d: %v", p.name, len(got), len(p.ext), err)
	}
	turned, err := ExtInOrder(p.ext, other)
	if err != nil {
		t.Errorf("%s: %v", p.name, err)
		return
	}
	if got, err := ParseExt(turned, swapped); err != nil || !cmp.Equal(ext, got, cmp.AllowUnexported(Ext{}, extForm{})) {
		t.Errorf("%s: .BTF.ext in the other byte order: %v", p.name, err)
	}
	if back, err := ExtInOrder(turned, s.Order()); err != nil || !bytes.Equal(back, p.ext) {
		t.Errorf("%s: byte order of .BTF.ext there and back: %v", p.name, err)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, p := range treeObjects(t) {
		checkRoundTrip(t, p)
	}
	for _, o := range orders {
		checkRoundTrip(t, sections{name: "every kind", btf: everyKind(o).bytes()})
		with := NewBuilder(&BuilderOptions{Order: o, Layout: true})
		with.AddSpec(everyKind(o).spec(t))
		b, err := with.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		checkRoundTrip(t, sections{name: "with a layout", btf: b})
	}
}

// TestLongHeader: a header of which not all is known, and a kind that only the
// layout section tells of, survive what does not look into types.
func TestLongHeader(t *testing.T) {
	for _, o := range orders {
		layout := make([]byte, 4*22)
		copy(layout[4*21:], []byte{4, 8, 1, 2})
		b := newBuilder(o)
		b.int("int", 4, IntSigned)
		b.add(21, "new", 2, 1, 7, 1, 2, 3, 4)
		b.ptr(1)
		blob := b.blob(make([]byte, 12), layout)
		s, err := Parse(blob)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := s.Type(3); !ok || p.Kind() != KindPtr {
			t.Error("the kind was not stepped over")
		}
		swapped, err := s.InOrder(orders[0])
		if err != nil {
			t.Fatal(err)
		}
		if swapped, err = swapped.InOrder(orders[1]); err != nil {
			t.Fatal(err)
		}
		if back, err := swapped.InOrder(o); err != nil || !bytes.Equal(back.Bytes(), blob) {
			t.Errorf("there and back: %v", err)
		}
		nb := NewBuilder(nil)
		if nb.AddSpec(s); nb.Err() == nil || !strings.Contains(nb.Err().Error(), "kind 21 is not known") {
			t.Error(nb.Err())
		}
		if _, err := SortByName(s, nil); err == nil || !strings.Contains(err.Error(), "kind 21 is not known") {
			t.Error(err)
		}
	}
}

func TestPermute(t *testing.T) {
	for _, o := range orders {
		s := everyKind(o).spec(t)
		order := make([]ID, s.Len()-1)
		for i := range order {
			order[i] = ID(s.Len() - 1 - i)
		}
		turned, err := Permute(s, nil, order)
		if err != nil {
			t.Fatal(err)
		}
		for id := range ID(s.Len()) {
			a, _ := s.Type(id)
			b, _ := turned.Types.Type(turned.ID(id))
			if a.Kind() != b.Kind() || a.Name() != b.Name() || turned.ID(a.Target()) != b.Target() {
				t.Errorf("%s %q to %d became %s %q to %d", a.Kind(), a.Name(), a.Target(), b.Kind(), b.Name(), b.Target())
			}
		}
		back, err := Permute(turned.Types, nil, order)
		if err != nil || !bytes.Equal(back.Types.Bytes(), s.Bytes()) {
			t.Errorf("turned twice: %v", err)
		}
		for name, bad := range map[string][]ID{
			"too few": order[1:], "twice": append([]ID{order[0]}, order[:len(order)-1]...),
			"void": append([]ID{0}, order[1:]...), "beyond": append([]ID{1 << 30}, order[1:]...),
		} {
			if _, err := Permute(s, nil, bad); err == nil {
				t.Error(name, "accepted")
			}
		}
	}
}

func TestSortByName(t *testing.T) {
	for _, p := range treeObjects(t) {
		s, err := Parse(p.btf)
		if err != nil {
			t.Fatal(err)
		}
		got, err := SortByName(s, p.ext)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		var names []string
		for typ := range got.Types.All() {
			names = append(names, typ.Name())
		}
		if !sort.StringsAreSorted(names) {
			t.Errorf("%s: %q", p.name, names)
		}
		if p.ext == nil {
			continue
		}
		was, err := ParseExt(p.ext, s)
		if err != nil {
			t.Fatal(err)
		}
		now, err := ParseExt(got.Ext, got.Types)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		for i, sec := range was.Sections {
			for j, f := range sec.Funcs {
				if to := now.Sections[i].Funcs[j].Type; to != got.ID(f.Type) {
					t.Errorf("%s: func_info of type %d, not %d", p.name, to, got.ID(f.Type))
				}
			}
			for j, c := range sec.CORE {
				if to := now.Sections[i].CORE[j].Root; to != got.ID(c.Root) {
					t.Errorf("%s: core_relo of type %d, not %d", p.name, to, got.ID(c.Root))
				}
			}
		}
	}
}

func TestPermuteSplit(t *testing.T) {
	base := everyKind(orders[0]).spec(t)
	s := splitOn(t, base)
	got, err := Permute(s, nil, []ID{ID(s.Len() - 1), ID(s.Len() - 2)})
	if err != nil {
		t.Fatal(err)
	}
	st, _ := got.Types.Type(ID(base.Len()))
	if m := st.Member(0); st.Kind() != KindStruct || m.Type != ID(base.Len()+1) || st.Member(1).Type != 5 {
		t.Errorf("%s, first member of type %d, second of %d", st, m.Type, st.Member(1).Type)
	}
	if got.ID(3) != 3 {
		t.Error("a type of the base moved")
	}
}

func TestAllByName(t *testing.T) {
	b := newBuilder(orders[1])
	i := b.int("x", 4, 0)
	b.strct("x", 4, fld{"x", i, 0, 0})
	b.ref(KindTypedef, "x___old", i)
	b.ref(KindTypedef, "x", 2)
	base := b.spec(t)
	n := NewBuilder(&BuilderOptions{Base: base})
	n.AddFwd("x", KindUnion)
	n.AddStruct("x", 8, nil)
	s, err := n.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		kind Kind
		want []ID
	}{
		{"x", KindVoid, []ID{1, 2, 4, 5, 6}},
		{"x", KindStruct, []ID{2, 6}},
		{"x", KindFloat, nil},
		{"x___old", KindVoid, []ID{3}},
		{"", KindVoid, nil},
	} {
		var got []ID
		for typ := range s.AllByName(c.name, c.kind) {
			got = append(got, typ.ID())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %s: %s", c.kind, c.name, diff)
		}
		for typ := range s.AllByName(c.name, c.kind) {
			if typ.ID() != c.want[0] {
				t.Errorf("the first is %d", typ.ID())
			}
			break
		}
	}
	k := NewKernel(mapped{fakeKernel(t)})
	vm, err := k.Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	for typ := range vm.AllByName("task_struct", KindVoid) {
		if err := k.Close(); err != nil || typ.ID() != 3 {
			t.Error(typ.ID(), err)
		}
	}
}
