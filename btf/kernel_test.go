package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// fakeKernel has vmlinux, two modules and a broken one.
func fakeKernel(t testing.TB) fstest.MapFS {
	le := binary.LittleEndian
	b := newBuilder(le)
	b.int("int", 4, IntSigned)
	b.int("long unsigned int", 8, 0)
	b.strct("task_struct", 64, fld{"pid", 1, 32, 0})
	proto := b.proto(1, fld{"x", 1, 0, 0})
	for i := range 50 {
		b.add(KindFunc, fmt.Sprintf("fn%d", i), 0, uint32(proto))
	}
	b.ref(KindTypedef, "btf_trace_sched", b.ptr(proto))
	b.add(KindFunc, "bpf_lsm_open", 0, uint32(proto))
	b.strct("bio___2", 8, fld{"x", 1, 0, 0})
	b.strct("bio", 8, fld{"x", 1, 0, 0})
	vm := b.spec(t)
	mod := func(name string, off uint32) []byte {
		m := newBuilder(le)
		m.strs = nil
		at := func(s string) uint32 { m.str(s); return vm.strEnd() + uint32(len(m.strs)-len(s)-1) }
		m.words(at(name+"_fn"), uint32(KindFunc)<<24, uint32(proto))
		m.words(at("shared"), uint32(KindStruct)<<24|1, 64, at("f"), 1, off)
		return m.bytes()
	}
	return fstest.MapFS{
		"sys/kernel/btf/vmlinux": {Data: vm.Bytes()},
		"sys/kernel/btf/nfs":     {Data: mod("nfs", 64)},
		"sys/kernel/btf/ext4":    {Data: mod("ext4", 64)},
		"sys/kernel/btf/broken":  {Data: []byte("not BTF")},
	}
}

func TestFindType(t *testing.T) {
	for _, ahead := range []bool{false, true} {
		k := NewKernel(fakeKernel(t))
		defer k.Close()
		if ahead {
			if err := k.Find(Query{"task_struct", KindStruct}, Query{"bio", KindStruct}, Query{"shared", KindStruct}, Query{"fn49", KindFunc}, Query{"zz", 0}); err != nil {
				t.Fatal(err)
			}
		}
		for _, tt := range []struct {
			name   string
			kind   Kind
			module string
			id     ID
		}{
			{"task_struct", KindStruct, "vmlinux", 3},
			{"task_struct", KindVoid, "vmlinux", 3},
			{"fn49", KindFunc, "vmlinux", 54},
			{"bio", KindStruct, "vmlinux", 59},
			{"bio___2", KindStruct, "vmlinux", 58},
			{"shared", KindStruct, "ext4", 61},
			{"nfs_fn", KindFunc, "nfs", 60},
		} {
			mod, typ, err := k.FindType(tt.name, tt.kind)
			if err != nil || mod != tt.module || typ.ID() != tt.id || typ.Name() != tt.name {
				t.Errorf("%s: %s [%d] %s, %v", tt.name, mod, typ.ID(), typ, err)
			}
		}
		_, _, err := k.FindType("task_struct", KindUnion)
		if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "union task_struct: not found in kernel BTF; skipped: module broken: .BTF: offset 0x0: ") {
			t.Errorf("wrong kind: %v", err)
		}
		if list := k.Broken(); len(list) != 1 || list[0].Module != "broken" {
			t.Errorf("broken: %v", list)
		}
	}
}

func TestModulesOnlyOnDemand(t *testing.T) {
	opened := map[string]int{}
	k := NewKernel(countFS{fakeKernel(t), opened})
	defer k.Close()
	for range 3 {
		k.FindType("task_struct", KindStruct)
	}
	if diff := cmp.Diff(map[string]int{"sys/kernel/btf/vmlinux": 1}, opened); diff != "" {
		t.Error(diff)
	}
	for range 3 {
		k.FindType("absent", KindStruct)
	}
	want := map[string]int{"sys/kernel/btf/vmlinux": 1, "sys/kernel/btf/nfs": 1, "sys/kernel/btf/ext4": 1, "sys/kernel/btf/broken": 1, "sys/kernel/btf": 1}
	if diff := cmp.Diff(want, opened); diff != "" {
		t.Error(diff)
	}
	names, err := k.Modules()
	if diff := cmp.Diff([]string{"broken", "ext4", "nfs"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := k.Module("broken"); err == nil || !strings.Contains(err.Error(), "module broken: ") {
		t.Errorf("broken: %v", err)
	}
	if _, err := k.Module("none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("none: %v", err)
	}
	if s, err := k.Module("nfs"); err != nil || s.Len() != 62 || s.Base() == nil {
		t.Errorf("nfs: %v", err)
	}
}

type countFS struct {
	fs.FS
	opened map[string]int
}

func (c countFS) Open(name string) (fs.File, error) {
	c.opened[name]++
	return c.FS.Open(name)
}

func TestTarget(t *testing.T) {
	k := NewKernel(fakeKernel(t))
	defer k.Close()
	for _, tt := range []struct {
		prefix, name, module string
		id                   ID
	}{
		{PrefixTrace, "sched", "vmlinux", 56},
		{PrefixLSM, "open", "vmlinux", 57},
		{"", "fn3", "vmlinux", 8},
		{"", "vmlinux:fn3", "vmlinux", 8},
		{"", "nfs:nfs_fn", "nfs", 60},
		{"", "nfs_fn", "nfs", 60},
		{"", "ext4:nfs_fn", "", 0},
		{"", "vmlinux:nfs_fn", "", 0},
		{"", "nfs:fn3", "", 0},
		{PrefixIter, "open", "", 0},
	} {
		mod, typ, err := k.Target(tt.prefix, tt.name)
		if mod != tt.module || typ.ID() != tt.id || errors.Is(err, ErrNotFound) != (tt.id == 0) {
			t.Errorf("%s + %s: %s [%d], %v", tt.prefix, tt.name, mod, typ.ID(), err)
		}
	}
}

func TestRelocateIntoModule(t *testing.T) {
	k := NewKernel(fakeKernel(t))
	defer k.Close()
	lb := newBuilder(binary.LittleEndian)
	shared := flat("shared___x", fld{"f", 1, 0, 0})(lb)
	absent := lb.strct("absent", 4, fld{"f", 1, 0, 0})
	r := NewRelocator(lb.spec(t), k)
	fix, err := r.Resolve(&CORERelo{COREFieldByteOffset, shared, "0:0"})
	if err != nil || fix.New != 8 || fix.Module != "ext4" {
		t.Errorf("got %+v, %v", fix, err)
	}
	fix, err = r.Resolve(&CORERelo{COREFieldByteOffset, absent, "0:0"})
	if err != nil || !fix.Poison || !strings.Contains(fix.Why, "skipped module broken: ") {
		t.Errorf("got %+v, %v", fix, err)
	}
}

func TestNoKernelBTF(t *testing.T) {
	for name, fsys := range map[string]fstest.MapFS{
		"nothing":    {},
		"no image":   {"proc/sys/kernel/osrelease": {Data: []byte("6.1.0\n")}},
		"bad image":  {"proc/sys/kernel/osrelease": {Data: []byte("6.1.0\n")}, "boot/vmlinux-6.1.0": {Data: []byte("x")}},
		"empty file": {"sys/kernel/btf/vmlinux": {}},
	} {
		k := NewKernel(fsys)
		_, err := k.Vmlinux()
		if err == nil || name != "empty file" && !errors.Is(err, ErrNoBTF) {
			t.Errorf("%s: %v", name, err)
		}
		if err := k.Find(Query{Name: "x"}); err == nil {
			t.Errorf("%s: found", name)
		}
	}
	vm := fakeKernel(t)["sys/kernel/btf/vmlinux"]
	k := NewKernel(fstest.MapFS{"proc/sys/kernel/osrelease": {Data: []byte("6.1.0\n")}, "usr/lib/debug/boot/vmlinux-6.1.0": vm})
	if mod, typ, err := k.FindType("task_struct", KindStruct); err != nil || mod != "vmlinux" || typ.ID() != 3 {
		t.Errorf("image: %v", err)
	}
}

// TestBrokenImages: one that breaks off behind types that were sought does not
// hide the next.
func TestBrokenImages(t *testing.T) {
	vm := fakeKernel(t)["sys/kernel/btf/vmlinux"]
	broken := bytes.Clone(vm.Data)
	s, err := Parse(vm.Data)
	if err != nil {
		t.Fatal(err)
	}
	last, _ := s.Type(ID(s.Len() - 1))
	at := int(s.typeAt(last.off - typeSize + 4))
	broken[at+3] |= 0x7f // a kind that there is not
	fsys := fstest.MapFS{
		"proc/sys/kernel/osrelease":                {Data: []byte("6.1.0\n")},
		"boot/vmlinux-6.1.0":                       {Data: broken},
		"lib/modules/6.1.0/vmlinux-6.1.0":          {Data: []byte("no image at all")},
		"usr/lib/debug/boot/vmlinux-6.1.0":         {Data: elfOf(2, orders[0], map[string][]byte{".BTF": vm.Data})},
		"usr/lib/debug/lib/modules/6.1.0/vmlinux":  {Data: broken},
		"usr/lib/debug/boot/vmlinux-6.1.0.debug":   {Data: broken},
		"lib/modules/6.1.0/build/vmlinux":          {Data: broken[:20]},
		"usr/lib/modules/6.1.0/kernel/vmlinux":     {Data: elfOf(2, orders[0], map[string][]byte{".text": nil})},
		"usr/lib/debug/lib/modules/6.1.0/other.ko": {Data: broken},
	}
	k := NewKernel(fsys)
	if _, typ, err := k.FindType("task_struct", KindStruct); err != nil || typ.ID() != 3 {
		t.Errorf("type %d, %v", typ.ID(), err)
	}
	if hits := k.vm.found["task_struct"]; len(hits.ids) != 1 {
		t.Errorf("found as %d", hits.ids)
	}
	delete(fsys, "usr/lib/debug/boot/vmlinux-6.1.0")
	_, err = NewKernel(fsys).Vmlinux()
	if !errors.Is(err, ErrNoBTF) || !strings.Contains(err.Error(), "boot/vmlinux-6.1.0: ") {
		t.Error(err)
	}
}

// mapped gives files that are lost when they are closed.
type mapped struct{ fstest.MapFS }

type mappedFile struct {
	fs.File
	b []byte
}

func (m mapped) Open(name string) (fs.File, error) {
	f, err := m.MapFS.Open(name)
	if e := m.MapFS[name]; e != nil && err == nil {
		return &mappedFile{f, append([]byte(nil), e.Data...)}, nil
	}
	return f, err
}

func (f *mappedFile) Map() ([]byte, error) { return f.b, nil }

func (f *mappedFile) Close() error {
	for i := range f.b {
		f.b[i] = 0xff // what a reader must never see
	}
	return f.File.Close()
}

func TestCloseBesideReaders(t *testing.T) {
	for range 20 {
		k := NewKernel(mapped{fakeKernel(t)})
		s, err := k.Vmlinux()
		if err != nil {
			t.Fatal(err)
		}
		lb := newBuilder(binary.LittleEndian)
		root := flat("task_struct", fld{"pid", 1, 0, 0})(lb)
		r := NewRelocator(lb.spec(t), k)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 200 {
					useKernel(t, k, s, r, root, g+i)
				}
			})
		}
		wg.Go(func() { k.Close() })
		wg.Wait()
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		afterClose(t, k, s)
	}
}

func useKernel(t *testing.T, k *Kernel, s *Spec, r *Relocator, root ID, i int) {
	switch i % 4 {
	case 0:
		if _, typ, err := k.FindType("task_struct", KindStruct); err == nil {
			if n := typ.Name(); n != "task_struct" && n != "" {
				t.Errorf("name %q", n)
			}
		} else if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	case 1:
		if typ, ok := s.Type(3); ok {
			if m := typ.Member(0); m != (Member{"pid", 1, 32, 0}) && m != (Member{}) {
				t.Errorf("member %v", m)
			}
		}
	case 2:
		fix, err := r.Resolve(&CORERelo{COREFieldByteOffset, root, "0:0"})
		if err == nil && fix.New != 4 || err != nil && !errors.Is(err, ErrClosed) {
			t.Errorf("%+v, %v", fix, err)
		}
	case 3:
		for typ := range s.All() {
			_ = typ.String()
			_, _ = s.Sizeof(typ.ID())
		}
	}
}

func afterClose(t *testing.T, k *Kernel, s *Spec) {
	t.Helper()
	if _, _, err := k.FindType("task_struct", KindStruct); !errors.Is(err, ErrClosed) {
		t.Errorf("find: %v", err)
	}
	if _, err := k.Vmlinux(); !errors.Is(err, ErrClosed) {
		t.Errorf("vmlinux: %v", err)
	}
	if _, ok := s.Type(3); ok {
		t.Error("type of a closed kernel")
	}
	if _, ok := s.ByName("task_struct", 0); ok {
		t.Error("name of a closed kernel")
	}
	if _, err := s.Sizeof(3); !errors.Is(err, ErrClosed) {
		t.Errorf("size: %v", err)
	}
}
