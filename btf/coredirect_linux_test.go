package btf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDirect holds relocations that are resolved at once against those that go
// through all steps.
func TestDirect(t *testing.T) {
	k := liveKernel(t)
	specs, relos, _ := realRelos(t)
	for i, s := range specs {
		quick, slow := NewRelocator(s, k), NewRelocator(s, k)
		slow.slow = true
		for _, relo := range relos[i] {
			want, err1 := slow.Resolve(relo)
			got, err2 := quick.Resolve(relo)
			if diff := cmp.Diff(want, got); diff != "" || (err1 == nil) != (err2 == nil) {
				t.Errorf("%s: %v, %v (-step by step +at once):\n%s", relo.Describe(s), err1, err2, diff)
			}
		}
	}
}

// sorts are types that a member may have.
var sorts = []func(*Builder) ID{
	func(b *Builder) ID { return b.AddInt("int", 4, IntSigned) },
	func(b *Builder) ID { return b.AddInt("unsigned long", 8, 0) },
	func(b *Builder) ID { return b.AddInt("unsigned char", 1, 0) },
	func(b *Builder) ID { return b.AddBitInt("odd", 4, 0, 3, 5) },
	func(b *Builder) ID { return b.AddPtr(0) },
	func(b *Builder) ID { return b.AddConst(b.AddPtr(0)) },
	func(b *Builder) ID { return b.AddTypedef("u32", b.AddInt("unsigned int", 4, 0)) },
	func(b *Builder) ID { return b.AddStruct("inner", 8, nil) },
	func(b *Builder) ID { return b.AddUnion("either", 16, nil) },
	func(b *Builder) ID { return b.AddEnum("state", 4, false, nil) },
	func(b *Builder) ID { return b.AddEnum("state___old", 1, false, nil) },
	func(b *Builder) ID { return b.AddEnum("other", 4, false, nil) },
	func(b *Builder) ID { return b.AddEnum64("state", 8, false, nil) },
	func(b *Builder) ID { return b.AddFloat("double", 8) },
	func(b *Builder) ID { return b.AddFwd("nowhere", KindStruct) },
	func(b *Builder) ID { i := b.AddInt("int", 4, 0); return b.AddArray(i, i, 3) },
	func(b *Builder) ID { i := b.AddInt("char", 1, 0); return b.AddArray(b.AddConst(i), i, 9) },
	func(b *Builder) ID { i := b.AddInt("long", 8, 0); return b.AddArray(i, i, 0) },
	func(b *Builder) ID { i := b.AddInt("int", 4, 0); return b.AddArray(b.AddArray(i, i, 2), i, 3) },
	func(b *Builder) ID { return b.AddArray(b.AddPtr(0), b.AddInt("int", 4, 0), 2) },
	func(b *Builder) ID { return b.AddFuncProto(0, nil) },
	func(b *Builder) ID { return 0 },
}

// largeStruct has struct large, whose members are of one sort: a bitfield, one
// without a name, and one in an anonymous struct among them.
func largeStruct(t *testing.T, sort int) (*Spec, ID) {
	t.Helper()
	b := NewBuilder(nil)
	typ := sorts[sort](b)
	var members []Member
	for i := range 9 {
		members = append(members, Member{Name: string(rune('a' + i)), Type: typ, Offset: uint32(128*i + 8*sort)})
	}
	members[7].BitSize = 3
	members = append(members, Member{Type: b.AddUnion("", 16, []Member{{Name: "k", Type: typ}}), Offset: 2048})
	members = append(members, Member{Name: "k", Type: typ, Offset: 4096})
	id := b.AddStruct("large", 1024, members)
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s, id
}

// TestDirectTypes has members of all sorts in a struct that is large enough for an
// index, against one in which each is of every other sort.
func TestDirectTypes(t *testing.T) {
	all, direct := 0, 0
	for from := range sorts {
		local, lroot := largeStruct(t, from)
		for to := range sorts {
			target, _ := largeStruct(t, to)
			quick, slow := NewRelocatorFor(local, target), NewRelocatorFor(local, target)
			slow.slow = true
			for _, access := range []string{"0:9", "0:0", "0:1", "0:2", "0:7", "0:10", "0:99", "0:08", "0:9:0", "1:9", "0:0:0", "0:1:1", "0:2:2", "0:10:1", "0:9:1", "0:1:1:0", "0:3:8"} {
				for _, kind := range []COREKind{COREFieldByteOffset, COREFieldExists} {
					relo := &CORERelo{kind, lroot, access}
					want, err1 := slow.Resolve(relo)
					got, err2 := quick.Resolve(relo)
					if diff := cmp.Diff(want, got); diff != "" || (err1 == nil) != (err2 == nil) {
						t.Errorf("%d to %d, %s: %v, %v (-step by step +at once):\n%s", from, to, access, err1, err2, diff)
					}
					all++
					var fix Fixup
					if root := quick.roots.get(local, lroot); quick.direct(root, relo, &fix) {
						direct++
					}
				}
			}
		}
	}
	if direct == 0 || direct == all {
		t.Errorf("%d of %d are resolved at once", direct, all)
	}
}

// nested has struct outer, whose members are structs of two levels, some of them
// anonymous, a union and an array; shift moves all members and their order.
func nested(t *testing.T, shift int) (*Spec, ID) {
	t.Helper()
	b := NewBuilder(nil)
	num := b.AddInt("int", 4, IntSigned)
	leaf := b.AddStruct("leaf", 64, []Member{{Name: "p", Type: b.AddPtr(0), Offset: uint32(64 * shift)}, {Name: "bit", Type: num, Offset: 256, BitSize: 2}})
	anon := b.AddStruct("", 128, []Member{{Name: "left", Type: leaf}, {Name: "right", Type: b.AddConst(leaf), Offset: 512}, {Name: "n", Type: num, Offset: 960}})
	either := b.AddUnion("", 128, []Member{{Type: anon}, {Name: "other", Type: num}})
	members := []Member{
		{Name: "first", Type: b.AddTypedef("leaf_t", leaf), Offset: uint32(32 * shift)},
		{Type: either, Offset: 1024}, {Name: "array", Type: b.AddArray(leaf, num, 2), Offset: 4096},
		{Name: "second", Type: anon, Offset: 8192 + uint32(8*shift)}, {Name: "third", Type: either, Offset: 16384},
	}
	if shift > 0 { // its place only: what the access says is found by name
		members[0], members[3] = members[3], members[0]
		members = append(members[:2], append([]Member{{Name: "new", Type: num, Offset: 2048}}, members[2:]...)...)
	}
	id := b.AddStruct("outer", 8192, members)
	s, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s, id
}

// TestDirectNested asks for all paths of up to five parts.
func TestDirectNested(t *testing.T) {
	local, root := nested(t, 0)
	target, _ := nested(t, 1)
	quick, slow := NewRelocatorFor(local, target), NewRelocatorFor(local, target)
	slow.slow = true
	values, direct := 0, 0
	var ask func(access string, level int)
	ask = func(access string, level int) {
		relo := &CORERelo{COREFieldByteOffset, root, access}
		want, err1 := slow.Resolve(relo)
		got, err2 := quick.Resolve(relo)
		if diff := cmp.Diff(want, got); diff != "" || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s: %v, %v (-step by step +at once):\n%s", access, err1, err2, diff)
		}
		if err1 == nil && !want.Poison {
			values++
		}
		var fix Fixup
		if quick.direct(quick.roots.get(local, root), relo, &fix) {
			direct++
		}
		for i := 0; i < 6 && level < 5; i++ {
			ask(access+":"+string(rune('0'+i)), level+1)
		}
	}
	ask("0", 0)
	ask("1", 4)
	if direct == 0 || values <= direct {
		t.Errorf("%d of %d are resolved at once", direct, values)
	}
}
