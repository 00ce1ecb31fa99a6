package btf

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// craftedBlobs are seeds for the fuzzer: hostile in ways that it would need
// long to come to. Whether they parse is not said here.
func craftedBlobs() map[string][]byte {
	all := map[string][]byte{}
	for name, build := range map[string]func(b *builder){
		"loop of typedefs": func(b *builder) { b.ref(KindTypedef, "a", 2); b.ref(KindTypedef, "b", 1) },
		"loop of itself":   func(b *builder) { b.ref(KindConst, "", 1) },
		"struct of itself": func(b *builder) { b.strct("s", 8, fld{"s", 1, 0, 0}) },
		"array of itself":  func(b *builder) { b.int("int", 4, 0); b.array(2, 1) },
		"array of 2^64 bytes": func(b *builder) {
			b.array(b.array(b.array(b.int("int", 4, 0), math.MaxUint32), math.MaxUint32), math.MaxUint32)
		},
		"deep qualifiers": func(b *builder) { deep(b, func(id ID) ID { return b.ref(KindConst, "", id) }) },
		"deep pointers":   func(b *builder) { deep(b, b.ptr) },
		"deep arrays":     func(b *builder) { deep(b, func(id ID) ID { return b.array(id, 1) }) },
		"deep structs":    func(b *builder) { deep(b, func(id ID) ID { return b.strct("", 4, fld{"", id, 0, 0}) }) },
		"deep functions":  func(b *builder) { deep(b, func(id ID) ID { return b.ptr(b.proto(id, fld{"x", id, 0, 0})) }) },
		"deep tags":       func(b *builder) { deep(b, func(id ID) ID { return b.ref(KindTypeTag, "t", id) }) },
		"doubling anonymous structs": func(b *builder) {
			double(b, func(id ID) ID { return b.strct("", 8, fld{"", id, 0, 0}, fld{"", id, 0, 0}) })
		},
		"doubling structs": func(b *builder) {
			double(b, func(id ID) ID { return b.strct("d", 8, fld{"a", id, 0, 0}, fld{"b", id, 0, 0}) })
		},
		"doubling pointers": func(b *builder) {
			double(b, func(id ID) ID { return b.strct("d", 8, fld{"a", b.ptr(id), 0, 0}, fld{"b", b.ptr(id), 0, 0}) })
		},
		"doubling functions": func(b *builder) {
			double(b, func(id ID) ID { return b.ptr(b.proto(id, fld{"a", id, 0, 0}, fld{"b", id, 0, 0})) })
		},
		"doubling unions": func(b *builder) {
			double(b, func(id ID) ID { return b.compound(KindUnion, "", 8, fld{"a", id, 0, 0}, fld{"b", id, 0, 0}) })
		},
		"most elements":     func(b *builder) { b.add(KindStruct, "s", 0xffffff, 4, 0, 0, 0) },
		"most parameters":   func(b *builder) { b.add(KindFuncProto, "", 0xffffff, 0) },
		"string at the end": func(b *builder) { b.int("int", 4, 0); b.words(4, uint32(KindInt)<<24, 4, 32) },
		"string beyond":     func(b *builder) { b.words(math.MaxUint32, uint32(KindInt)<<24, 4, 32) },
		"unknown kind":      func(b *builder) { b.words(0, 0x7f<<24, 0) },
		"kind of no type":   func(b *builder) { b.words(0, 0, 0) },
		"largest ids":       func(b *builder) { b.ptr(math.MaxInt32); b.ptr(math.MaxUint32) },
		"tag of a tag":      func(b *builder) { b.add(KindDeclTag, "t", 0, 1, 0); b.add(KindDeclTag, "t", 0, 1, math.MaxUint32) },
		"section of itself": func(b *builder) { b.add(KindDatasec, ".data", 1, math.MaxUint32, 1, math.MaxUint32, math.MaxUint32) },
		"bits and offsets": func(b *builder) {
			b.strct("s", math.MaxUint32, fld{"a", b.int("int", 4, 0), math.MaxUint32, 0}, fld{"b", 1, 0xffffff, 255})
		},
		"one long name": func(b *builder) { b.int(strings.Repeat("n", 4096), 4, 0) },
		"strange names": func(b *builder) {
			for _, n := range []string{"/", "..", "a\nb", "\xff", "%s%n", "___x", "x___", "a___b___c", " "} {
				b.ref(KindTypedef, n, 0)
			}
		},
	} {
		for _, o := range orders {
			b := newBuilder(o)
			build(b)
			all[name+" "+o.String()] = b.bytes()
		}
	}
	b := everyKind(binary.LittleEndian)
	all["longer header"] = b.blob(make([]byte, 64), nil)
	all["unknown kinds with a layout"] = b.blob(nil, []byte(strings.Repeat("\x04\x04\x00\x00", 128)))
	return all
}

// deep wraps a type 300 times.
func deep(b *builder, wrap func(ID) ID) {
	id := b.int("int", 4, 0)
	for range 300 {
		id = wrap(id)
	}
}

// double nests 40 types, each of which holds the one before it twice, and names
// the last: a walk that looks at all of them never ends.
func double(b *builder, wrap func(ID) ID) {
	id := b.int("int", 4, 0)
	for range 40 {
		id = wrap(id)
	}
	b.ref(KindTypedef, "root", id)
	b.strct("root", 8, fld{"x", id, 0, 0}, fld{"y", 1, 0, 0})
}

// TestCrafted: each of them gives an error or a value at once.
func TestCrafted(t *testing.T) {
	for name, b := range craftedBlobs() {
		t.Run(name, func(t *testing.T) { checkParse(t, b) })
	}
}

// TestCraftedCORE resolves every kind of relocation in them.
func TestCraftedCORE(t *testing.T) {
	for name, b := range craftedBlobs() {
		s, err := Parse(b)
		if err != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for root := max(1, s.Len()-3); root < s.Len(); root++ {
				for kind := range coreKindCount {
					for _, access := range []string{"0", "0:0", "0:1", "0:0:0", "1"} {
						fuzztest.Check(t, 2*len(b), func() {
							_, _ = NewRelocatorFor(s, s).Resolve(&CORERelo{kind, ID(root), access})
						})
					}
				}
				fuzztest.Check(t, len(b), func() { Compatible(s, ID(root), s, ID(root)) })
			}
		})
	}
}
