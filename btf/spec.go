// Package btf reads, edits and matches the kernel's BPF Type Format, and
// computes CO-RE relocations.
//
// A Spec is one blob. Types are small handles that decode it on demand; no
// object is made for a type until somebody asks, so a Spec costs an index and,
// for names, one copy of the string section. The kernel's own BTF, reached
// through Kernel, is searched where it lies and not copied at all.
//
// The format is described in Documentation/bpf/btf.rst and defined by
// include/uapi/linux/btf.h.
package btf

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/bin"
)

// Spec is the types of one blob, perhaps split on a base. It is immutable and
// safe for concurrent use. Lookups by id and string offset see the base too.
type Spec struct {
	raw     []byte
	hdr     header
	types   []byte
	strs    []byte                 // own strings
	text    atomic.Pointer[string] // copy of strs that names are cut from
	heap    atomic.Pointer[Spec]   // copy of a mapped Spec, see onHeap
	copying sync.Mutex             // of those that set text and heap
	base    *Spec
	first   ID     // first own id: 1, or the base's Len
	strOff  uint32 // offset of the first own string: 0, or the base's length
	shapes  *shapes
	index   index
	members memberIndexes
	guard   *guard       // of a mapping; nil for a blob on the heap
	sound   bool         // validated, as Parse does it; kernels' types are not
	ptr     atomic.Int32 // PointerSize, 0 until asked
}

// index finds a type record by its number: the offset of every 2^shift-th one
// is kept, and the rest is found by stepping.
type index struct {
	offs  []uint32
	shift uint8
	n     uint32 // own types
}

// newSpec cuts the blob into sections; its index is still empty.
func newSpec(b []byte, base *Spec) (*Spec, error) {
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	body := b[h.len:]
	s := &Spec{
		raw:   b,
		hdr:   h,
		types: body[h.typeOff:][:h.typeLen:h.typeLen],
		strs:  body[h.strOff:][:h.strLen:h.strLen],
		base:  base,
		first: 1,
	}
	var inherited *shapes
	if base != nil {
		s.first = ID(base.Len())
		s.strOff = base.strEnd()
		inherited = base.shapes
	}
	s.shapes = newShapes(body[h.layoutOff:][:h.layoutN], inherited)
	return s, s.checkStrings()
}

// Bytes is the whole blob as it was read, or a copy of it for the kernel's.
// It must not be changed.
func (s *Spec) Bytes() []byte {
	h := s.onHeap()
	if h == nil {
		return nil
	}
	return h.raw
}

// Order is the byte order of the blob.
func (s *Spec) Order() binary.ByteOrder {
	if s.hdr.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Len is one more than the greatest id: void and the base's types count.
func (s *Spec) Len() int { return int(s.first) + int(s.index.n) }

// Base is the Spec this one is split on, or nil.
func (s *Spec) Base() *Spec { return s.base }

// Type gives the type with that id, of s or of its base; id 0 is void.
func (s *Spec) Type(id ID) (Type, bool) {
	if !s.guard.enter() {
		return Type{}, false
	}
	defer s.guard.leave()
	return s.typ(id)
}

// typ is Type for callers that hold the guard.
func (s *Spec) typ(id ID) (Type, bool) {
	if i := uint32(id - s.first); i < s.index.n && s.index.shift == 0 {
		return s.at(id, s.index.offs[i]), true
	}
	return s.walkTo(id)
}

// walkTo is typ for ids of the base, and for an index with gaps.
func (s *Spec) walkTo(id ID) (Type, bool) {
	for id < s.first {
		if id == 0 {
			return Type{s: s}, true
		}
		s = s.base
	}
	i := uint32(id - s.first)
	if i >= s.index.n {
		return Type{}, false
	}
	off := s.index.offs[i>>s.index.shift]
	for n := i & (1<<s.index.shift - 1); n > 0; n-- {
		off += s.recordLen(off)
	}
	return s.at(id, off), true
}

// at decodes the common bytes of the record at off, which the index knows to
// lie within the type section.
func (s *Spec) at(id ID, off uint32) Type {
	b := s.types[off:][:typeSize:typeSize]
	c := common{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])}
	if s.hdr.big {
		c = common{bits.ReverseBytes32(c.name), bits.ReverseBytes32(c.info), bits.ReverseBytes32(c.size)}
	}
	return Type{s, id, off + typeSize, c}
}

func (s *Spec) recordLen(off uint32) uint32 {
	info := s.u32(s.types[off+4:])
	sh := &s.shapes[info>>24&0x7f]
	return typeSize + uint32(sh.info) + uint32(sh.elem)*(info&0xffffff)
}

// All visits every own type in order of ids; the base's are visited through
// the base. Visiting the kernel's copies it to the heap first (7 MB).
func (s *Spec) All() iter.Seq[Type] {
	return func(yield func(Type) bool) {
		h := s.onHeap()
		if h == nil {
			return
		}
		for b := h; b != nil; b = b.base {
			b.copyText()
		}
		off := uint32(0)
		for i := range h.index.n {
			t := h.at(h.first+ID(i), off)
			sh := &h.shapes[t.info>>24&0x7f]
			off += typeSize + uint32(sh.info) + uint32(sh.elem)*t.vlen()
			if !yield(t) {
				return
			}
		}
	}
}

// maxChain bounds the length of a chain of modifiers: none that a compiler
// makes comes near it, and the kernel's blob is not checked for loops.
const maxChain = 256

// Strip follows typedefs, const, volatile, restrict and type tags to what they
// stand for. It is false for an id that does not exist.
func (s *Spec) Strip(id ID) (Type, bool) {
	if !s.guard.enter() {
		return Type{}, false
	}
	defer s.guard.leave()
	return s.strip(id)
}

func (s *Spec) strip(id ID) (Type, bool) {
	for range maxChain {
		t, ok := s.typ(id)
		if !ok || !modifiers.has(t.Kind()) {
			return t, ok
		}
		id = ID(t.size)
	}
	return Type{}, false
}

// u32 reads a word of the blob.
func (s *Spec) u32(b []byte) uint32 { return word(b, s.hdr.big) }

// word reads 32 bits of either byte order.
func word(b []byte, big bool) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// tail is the i-th element of n bytes of what follows a type's common bytes,
// nil beyond the section's end.
func (s *Spec) tail(off, i, n uint32) []byte {
	at := uint64(off) + uint64(i)*uint64(n)
	if at+uint64(n) > uint64(len(s.types)) {
		return nil
	}
	return s.types[at:][:n:n]
}

func (s *Spec) wordAt(off, i uint32) uint32 {
	if b := s.tail(off, i, 4); b != nil {
		return s.u32(b)
	}
	return 0
}

func (s *Spec) strEnd() uint32 { return s.strOff + uint32(len(s.strs)) }

// String gives the string at an offset of the string section (of the base,
// below its length).
func (s *Spec) String(off uint32) (string, bool) {
	if !s.guard.enter() {
		return "", false
	}
	text, ok := s.str(off)
	s.guard.leave()
	return text, ok
}

func (s *Spec) str(off uint32) (string, bool) {
	for off < s.strOff {
		s = s.base
	}
	off -= s.strOff
	if text := s.text.Load(); text != nil {
		if uint64(off) >= uint64(len(*text)) {
			return "", false
		}
		n := strings.IndexByte((*text)[off:], 0)
		if n < 0 {
			return "", false
		}
		return (*text)[off : int(off)+n], true
	}
	b := s.ownBytes(off)
	return string(b), b != nil
}

// strBytes is String without the copy: it must not leave the package.
func (s *Spec) strBytes(off uint32) []byte {
	for off < s.strOff {
		s = s.base
	}
	return s.ownBytes(off - s.strOff)
}

func (s *Spec) ownBytes(off uint32) []byte {
	if uint64(off) >= uint64(len(s.strs)) {
		return nil
	}
	n := bytes.IndexByte(s.strs[off:], 0)
	if n < 0 {
		return nil
	}
	return s.strs[off:][:n:n]
}

// equal compares the string at off with name, without looking for its end.
func (s *Spec) equal(off uint32, name string) bool { return same(s, off, name) }

func same[T string | []byte](s *Spec, off uint32, name T) bool {
	for off < s.strOff {
		s = s.base
	}
	off -= s.strOff
	if uint64(off)+uint64(len(name)) >= uint64(len(s.strs)) {
		return false
	}
	b := s.strs[off:]
	return b[len(name)] == 0 && string(b[:len(name)]) == string(name)
}

// onHeap is s itself, or for a mapped Spec a copy that needs no guard, made
// once; nil after Close.
func (s *Spec) onHeap() *Spec {
	if s.guard == nil {
		return s
	}
	if h := s.heap.Load(); h != nil {
		return h
	}
	if !s.guard.enter() {
		return nil
	}
	defer s.guard.leave()
	s.copying.Lock()
	defer s.copying.Unlock()
	if h := s.heap.Load(); h != nil {
		return h
	}
	var base *Spec
	if s.base != nil {
		if base = s.base.onHeap(); base == nil {
			return nil
		}
	}
	h, err := newSpec(bin.Clone(s.raw), base)
	if err != nil {
		return nil
	}
	h.index = s.index
	h.copyText()
	s.heap.Store(h)
	return h
}

// copyText makes the string that names are cut from without further copying, if
// there is none. A kernel's BTF that was read has none until many are wanted.
func (s *Spec) copyText() {
	if s.text.Load() != nil {
		return
	}
	s.copying.Lock()
	defer s.copying.Unlock()
	if s.text.Load() == nil {
		text := bin.String(s.strs)
		s.text.Store(&text)
	}
}
