package btf

import (
	"encoding/binary"
	"fmt"

	"github.com/skepbpf/skep/internal/mkerr"
)

// BuilderOptions say what a Builder writes. nil means all of the zero value.
type BuilderOptions struct {
	// Base is what the types continue, as a module's continue those of vmlinux.
	Base *Spec
	// Order is the byte order: if nil that of the base, or of this machine.
	Order binary.ByteOrder
	// PointerSize in bytes is what Spec.PointerSize says where no type named
	// "long" tells it. BTF has no place for it.
	PointerSize uint32
	// Layout adds the section that lets readers step over kinds they do not
	// know. Kernels before 7.1 refuse it.
	Layout bool
}

// Builder makes BTF from nothing. Types get ids in the order in which they are
// added, and may refer to ids that come later: NextID tells which. Records are
// written to one buffer and strings to another, each string once.
//
// Every AddX checks what it is given. The first error sticks: all that follows
// gives id 0, and Err, Bytes and Spec say what it was. A Builder is not safe for
// concurrent use.
type Builder struct {
	opts  BuilderOptions
	big   bool
	first ID
	n     uint32 // types so far
	types []byte
	strs  *strtab
	ref   ID // greatest id that is referred to
	by    ID // which type does
	buf   []uint32
	names nameCache
	err   error
}

// NewBuilder starts empty BTF.
func NewBuilder(o *BuilderOptions) *Builder {
	b := &Builder{first: 1}
	if o != nil {
		b.opts = *o
	}
	if base := b.opts.Base; base != nil {
		if b.opts.Base = base.onHeap(); b.opts.Base == nil {
			b.err = ErrClosed
		} else {
			b.first = ID(base.Len())
		}
	}
	switch {
	case b.opts.Order != nil:
		b.big = isBig(b.opts.Order)
	case b.opts.Base != nil:
		b.big = b.opts.Base.hdr.big
	default:
		b.big = isBig(binary.NativeEndian)
	}
	if n := b.opts.PointerSize; n != 0 && n != 4 && n != 8 {
		b.failf("pointers of %d bytes", n)
	}
	b.strs = newStrtab(b.opts.Base)
	return b
}

func isBig(o binary.ByteOrder) bool { return o.Uint16([]byte{0, 1}) == 1 }

func (b *Builder) failf(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("build BTF: "+format, args...)
	}
}

// Err is the first error so far.
func (b *Builder) Err() error { return b.err }

// NextID is the id that the next type gets.
func (b *Builder) NextID() ID { return b.first + ID(b.n) }

// Len is one more than the greatest id: void and the base's types count.
func (b *Builder) Len() int { return int(b.first) + int(b.n) }

// AddString gives the offset of s in the string section, as Line wants it.
func (b *Builder) AddString(s string) uint32 {
	if b.err != nil {
		return 0
	}
	off, ok := b.strs.addString(s)
	if !ok {
		b.failf("string %.40q: it has a zero byte, or strings exceed %d bytes", s, maxStrings)
	}
	return off
}

// refer notes that the type being added refers to id.
func (b *Builder) refer(id ID) uint32 {
	if id > b.ref {
		b.ref, b.by = id, b.NextID()
	}
	return uint32(id)
}

// append writes a record and gives its id.
//
//go:noinline
func (b *Builder) append(r record) ID {
	if b.err != nil {
		return 0
	}
	if uint64(len(b.types)+4*len(r)) > maxTypeBytes || b.Len() >= maxTypes {
		b.failf("too many types: %d in %d bytes", b.n, len(b.types))
		return 0
	}
	at := len(b.types)
	b.types = growBy(b.types, 4*len(r))
	putWords(b.types[at:], r, b.big)
	b.n++
	return b.NextID() - 1
}

// maxTypeBytes keeps offsets of all sections within 32 bits.
const maxTypeBytes = 1 << 30

// reserve makes room for n bytes of records.
func (b *Builder) reserve(n int) {
	if cap(b.types)-len(b.types) < n {
		b.types = append(make([]byte, 0, len(b.types)+n), b.types...)
	}
}

// growBy lengthens b by n bytes, whose contents are not defined.
func growBy(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b[:len(b)+n]
	}
	bigger := make([]byte, len(b)+n, max(2*cap(b), len(b)+n, 1024))
	copy(bigger, b)
	return bigger
}

// Bytes encodes what was added: header, types, layout section if asked for,
// strings. It checks that every id that is referred to exists; Spec checks all
// that Parse does.
func (b *Builder) Bytes() ([]byte, error) { return b.AppendTo(nil) }

// AppendTo is Bytes behind dst.
func (b *Builder) AppendTo(dst []byte) ([]byte, error) {
	if b.err == nil && int(b.ref) >= b.Len() {
		b.failf("type %d refers to type %d of %d", b.by, b.ref, b.Len())
	}
	if b.err != nil {
		return nil, b.err
	}
	hdr, layout := minHeader, 0
	if b.opts.Layout {
		hdr, layout = fullHeader, 4*int(kindCount)
	}
	size := hdr + len(b.types) + layout + len(b.strs.buf)
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	at := len(dst)
	n := uint32(len(b.types))
	head := [...]uint32{uint32(hdr), 0, n, n + uint32(layout), uint32(len(b.strs.buf)), n, uint32(layout)}
	dst = append(dst, magic&0xff, magic>>8, 1, 0)
	if b.big {
		dst[at], dst[at+1] = magic>>8, magic&0xff
	}
	dst = dst[:at+hdr]
	putWords(dst[at+4:], head[:hdr/4-1], b.big)
	dst = append(dst, b.types...)
	if layout > 0 {
		for k := range kinds {
			dst = append(dst, kinds[k].info, kinds[k].elem, 0, 0)
		}
	}
	return append(dst, b.strs.buf...), nil
}

// Spec gives what was added, checked as Parse does it. The Builder can go on:
// the Spec does not change with it.
func (b *Builder) Spec() (*Spec, error) {
	blob, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	s, err := parse(blob, b.opts.Base, true)
	if err != nil {
		return nil, mkerr.Wrap("build BTF: %w", err)
	}
	if n := b.opts.PointerSize; n != 0 && s.base == nil && s.sizeOfLong() == 0 {
		s.ptr.Store(int32(n))
	}
	return s, nil
}
