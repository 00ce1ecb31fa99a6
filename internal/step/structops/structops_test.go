package structops

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
)

// blob writes BTF by hand: type n of it is the n-th call.
type blob struct {
	types, strs []byte
	n           uint32
}

func newBlob() *blob { return &blob{strs: []byte{0}} }

func (b *blob) str(s string) uint32 {
	if s == "" {
		return 0
	}
	off := len(b.strs)
	b.strs = append(append(b.strs, s...), 0)
	return uint32(off)
}

func (b *blob) add(name string, k btf.Kind, vlen int, size uint32, words ...uint32) btf.ID {
	for _, w := range append([]uint32{b.str(name), uint32(k)<<24 | uint32(vlen), size}, words...) {
		b.types = binary.LittleEndian.AppendUint32(b.types, w)
	}
	b.n++
	return btf.ID(b.n)
}

func (b *blob) int(name string, size uint32) btf.ID {
	return b.add(name, btf.KindInt, 0, size, size*8)
}

func (b *blob) function() btf.ID { return b.ptr(b.add("", btf.KindFuncProto, 0, 0)) }

func (b *blob) ptr(to btf.ID) btf.ID { return b.add("", btf.KindPtr, 0, uint32(to)) }

func (b *blob) array(elem, index btf.ID, n uint32) btf.ID {
	return b.add("", btf.KindArray, 0, 0, uint32(elem), uint32(index), n)
}

type member struct {
	name string
	typ  btf.ID
	at   uint32 // bytes
}

func (b *blob) structure(name string, size uint32, ms ...member) btf.ID {
	var words []uint32
	for _, m := range ms {
		words = append(words, b.str(m.name), uint32(m.typ), m.at*8)
	}
	return b.add(name, btf.KindStruct, len(ms), size, words...)
}

func (b *blob) bytes() []byte {
	h := []byte{0x9f, 0xeb, 1, 0}
	for _, w := range []int{24, 0, len(b.types), len(b.types), len(b.strs)} {
		h = binary.LittleEndian.AppendUint32(h, uint32(w))
	}
	return append(append(h, b.types...), b.strs...)
}

func (b *blob) spec(t *testing.T) *btf.Spec {
	t.Helper()
	s, err := btf.Parse(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// kernel has struct shape_ops { void (*a)(); struct conf { u32 x, y; u64 z; } conf;
// char name[8]; void (*b)(); u64 n; void *owner; struct { u32 in; }; }.
func kernel(t *testing.T) *btf.Kernel {
	t.Helper()
	b := newBlob()
	u32, u64, char := b.int("u32", 4), b.int("u64", 8), b.int("char", 1)
	fn, ptr := b.function(), b.ptr(0)
	conf := b.structure("conf", 16, member{"x", u32, 0}, member{"y", u32, 4}, member{"z", u64, 8})
	anon := b.structure("", 4, member{"in", u32, 0})
	ops := b.structure("shape_ops", 64, member{"a", fn, 0}, member{"conf", conf, 8}, member{"name", b.array(char, u32, 8), 24},
		member{"b", fn, 32}, member{"n", u64, 40}, member{"owner", ptr, 48}, member{"", anon, 56})
	common := b.structure("bpf_struct_ops_common_value", 8, member{"refs", u64, 0})
	b.structure("bpf_struct_ops_shape_ops", 128, member{"common", common, 0}, member{"data", ops, 64})
	b.structure("bpf_struct_ops_hollow_ops", 8, member{"common", common, 0})
	k := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: b.bytes()}})
	t.Cleanup(func() { k.Close() })
	return k
}

func le(n int, at int, v uint64, size int) []byte {
	b := make([]byte, n)
	for i := range size {
		b[at+i] = byte(v >> (8 * i))
	}
	return b
}

func TestResolve(t *testing.T) {
	type local struct {
		ops  func(b *blob) btf.ID
		data []byte
		at   []Slot
	}
	u32 := func(b *blob) btf.ID { return b.int("u32", 4) }
	for _, tt := range []struct {
		name    string
		local   local
		data    map[int][]byte // of the value, from byte 64 on
		funcs   []Func
		missing []Missing
		err     string
	}{
		{name: "members by name, flavoured, in another order", local: local{
			ops: func(b *blob) btf.ID {
				fn, c := b.function(), b.int("char", 1)
				return b.structure("shape_ops___old", 24, member{"name", b.array(c, u32(b), 8), 0}, member{"b", fn, 8}, member{"a", fn, 16})
			},
			data: append([]byte("shape\x00\x00\x00"), make([]byte, 16)...),
			at:   []Slot{{8, "second"}, {16, "first"}},
		}, data: map[int][]byte{24: []byte("shape")}, funcs: []Func{{"b", 3, 64 + 32, "second"}, {"a", 0, 64, "first"}}},
		{name: "a smaller struct inside, by its members", local: local{
			ops: func(b *blob) btf.ID {
				c := b.structure("conf", 8, member{"y", u32(b), 0}, member{"gone", u32(b), 4})
				return b.structure("shape_ops", 8, member{"conf", c, 0})
			},
			data: le(8, 0, 0x11223344, 4),
		}, data: map[int][]byte{12: {0x44, 0x33, 0x22, 0x11}}},
		{name: "and one that has what the kernel has not", local: local{
			ops: func(b *blob) btf.ID {
				c := b.structure("conf", 8, member{"y", u32(b), 0}, member{"gone", u32(b), 4})
				return b.structure("shape_ops", 8, member{"conf", c, 0})
			},
			data: le(8, 4, 1, 4),
		}, err: "struct shape_ops: member conf: member gone is set, and the kernel has no such member"},
		{name: "a struct without a name", local: local{
			ops: func(b *blob) btf.ID {
				return b.structure("shape_ops", 4, member{"", b.structure("", 4, member{"in", u32(b), 0}), 0})
			},
			data: le(4, 0, 9, 4),
		}, data: map[int][]byte{56: {9}}},
		{name: "what the kernel lacks is zero, or a program", local: local{
			ops: func(b *blob) btf.ID {
				return b.structure("shape_ops", 16, member{"later", b.function(), 0}, member{"more", b.int("u64", 8), 8})
			},
			data: make([]byte, 16), at: []Slot{{0, "p"}},
		}, missing: []Missing{{"later", "p"}}},
		{name: "what the kernel lacks is set", local: local{
			ops:  func(b *blob) btf.ID { return b.structure("shape_ops", 4, member{"more", u32(b), 0}) },
			data: le(4, 0, 1, 4),
		}, err: "struct shape_ops: member more is set, and the kernel has no such member"},
		{name: "another size", local: local{
			ops:  func(b *blob) btf.ID { return b.structure("shape_ops", 4, member{"n", u32(b), 0}) },
			data: le(4, 0, 1, 4),
		}, err: "struct shape_ops: member n: 4 bytes in the object, 8 in the kernel"},
		{name: "another kind", local: local{
			ops: func(b *blob) btf.ID {
				return b.structure("shape_ops", 8, member{"n", b.structure("pair", 8, member{"a", u32(b), 0}), 0})
			},
			data: le(8, 0, 1, 4),
		}, err: "struct shape_ops: member n: struct pair in the object, u64 in the kernel"},
		{name: "a pointer to data", local: local{
			ops:  func(b *blob) btf.ID { return b.structure("shape_ops", 8, member{"owner", b.ptr(0), 0}) },
			data: le(8, 0, 1, 8),
		}, err: "struct shape_ops: member owner: a pointer that is set: only programs can be"},
		{name: "a program where there is none", local: local{
			ops:  func(b *blob) btf.ID { return b.structure("shape_ops", 8, member{"n", b.int("u64", 8), 0}) },
			data: make([]byte, 8), at: []Slot{{0, "p"}},
		}, err: "struct shape_ops: offset 0 is no pointer to a function"},
		{name: "a program in what is no pointer in the kernel", local: local{
			ops:  func(b *blob) btf.ID { return b.structure("shape_ops", 8, member{"n", b.function(), 0}) },
			data: make([]byte, 8), at: []Slot{{0, "p"}},
		}, err: "struct shape_ops: member n is no pointer to a function in the kernel"},
		{name: "unknown to the kernel", local: local{
			ops:  func(b *blob) btf.ID { return b.structure("other_ops", 4, member{"n", u32(b), 0}) },
			data: make([]byte, 4),
		}, err: "no such operations: struct bpf_struct_ops_other_ops: not found in kernel BTF"},
		{name: "a value without operations", local: local{
			ops:  func(b *blob) btf.ID { return b.structure("hollow_ops", 4, member{"n", u32(b), 0}) },
			data: make([]byte, 4),
		}, err: "bpf_struct_ops_hollow_ops of the kernel holds no struct hollow_ops"},
		{name: "too little data", local: local{
			ops: func(b *blob) btf.ID { return b.structure("shape_ops", 4, member{"n", u32(b), 0}) },
		}, err: "0 bytes for struct shape_ops of 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBlob()
			o := Ops{Type: tt.local.ops(b), Data: tt.local.data, Slots: tt.local.at}
			o.Types = b.spec(t)
			v, err := o.Resolve(kernel(t))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got %v\nwant %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := &Value{Name: "shape_ops", Module: "vmlinux", Type: v.Type, Ops: v.Ops, Data: make([]byte, 128), Funcs: tt.funcs, Missing: tt.missing}
			for at, data := range tt.data {
				copy(want.Data[64+at:], data)
			}
			if diff := cmp.Diff(want, v); diff != "" {
				t.Error(diff)
			}
			if q := o.Queries(); len(q) != 1 || q[0].Name != "bpf_struct_ops_shape_ops" {
				t.Errorf("queries %v", q)
			}
		})
	}
}

func TestNoKernelBTF(t *testing.T) {
	b := newBlob()
	o := Ops{Type: b.structure("shape_ops", 4, member{"n", b.int("u32", 4), 0}), Data: make([]byte, 4)}
	// The struct is the second type.
	o.Type, o.Types = 2, b.spec(t)
	if _, err := o.Resolve(nil); !errors.Is(err, btf.ErrNoBTF) {
		t.Errorf("got %v", err)
	}
}

func TestMember(t *testing.T) {
	b := newBlob()
	u32 := b.int("u32", 4)
	inner := b.structure("", 8, member{"x", u32, 0}, member{"y", u32, 4})
	deep := b.structure("conf", 8, member{"", inner, 0})
	o := Ops{Type: b.structure("ops", 24, member{"a", b.function(), 0}, member{"conf", deep, 8}, member{"", inner, 16}), Data: make([]byte, 24)}
	o.Types = b.spec(t)
	o.Type = btf.ID(b.n)
	for path, want := range map[string]Member{
		"a": {Offset: 0, Size: 8, Func: true}, "conf": {Offset: 8, Size: 8}, "conf.y": {Offset: 12, Size: 4}, "y": {Offset: 20, Size: 4},
	} {
		m, err := o.Member(path)
		if m.Type = 0; err != nil || m != want {
			t.Errorf("%s: %+v, %v", path, m, err)
		}
	}
	for path, want := range map[string]string{
		"": `has no member ""`, "z": `has no member "z"`, "a.b": "a has no members", "conf.y.z": "conf.y has no members", "conf.": `has no member ""`,
	} {
		if _, err := o.Member(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestDoubling is a struct whose every level has the one below twice: a search
// that visits all would not end.
func TestDoubling(t *testing.T) {
	b := newBlob()
	u8 := b.int("u8", 1)
	t0 := b.structure("", 1, member{"n", u8, 0})
	for range 30 {
		t0 = b.structure("", 1, member{"", t0, 0}, member{"", t0, 0})
	}
	o := Ops{Type: b.structure("ops", 1, member{"", t0, 0}), Data: []byte{1}}
	o.Types = b.spec(t)
	if _, err := o.Member("missing"); err == nil {
		t.Error("found")
	}
	k := newBlob()
	k8 := k.int("u8", 1)
	k0 := k.structure("", 2, member{"n", k8, 0})
	for range 30 {
		k0 = k.structure("", 2, member{"", k0, 0}, member{"", k0, 0})
	}
	ops := k.structure("ops", 2, member{"", k0, 0})
	k.structure("bpf_struct_ops_ops", 2, member{"data", ops, 0})
	kern := btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: k.bytes()}})
	defer kern.Close()
	if _, err := o.Resolve(kern); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(o.Data, []byte{1}) {
		t.Error("the object's data changed")
	}
}
