package upgrade

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Move is a part of a value that is taken over, in bytes. An integer may grow.
type Move struct {
	From, To, Size uint32
	Grown          uint32 // size afterwards; 0: as it was
	Signed         bool
}

// Conversion makes new values of old ones: what no Move writes is zero.
type Conversion []Move

// Apply writes the new form of from to to, which is zero.
func (c Conversion) Apply(to, from []byte) {
	for _, m := range c {
		src := from[m.From : m.From+m.Size]
		if m.Grown == 0 {
			copy(to[m.To:], src)
			continue
		}
		grow(to[m.To:m.To+m.Grown], src, m.Signed)
	}
}

// grow stores an integer of this machine's byte order in more bytes.
func grow(to, from []byte, signed bool) {
	high := from[len(from)-1]
	pad := to[len(from):]
	dst := to[:len(from)]
	if isBig() {
		high = from[0]
		pad, dst = to[:len(to)-len(from)], to[len(to)-len(from):]
	}
	copy(dst, from)
	if signed && high >= 0x80 {
		for i := range pad {
			pad[i] = 0xff
		}
	}
}

// isBig reports whether this machine is big-endian.
func isBig() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }

// converter finds the Moves from one type to another.
type converter struct {
	shapes
	moves Conversion
}

// convert gives what makes values of have to values of want. It fails if
// something of the old values would be lost.
func convert(want, have *Map) (Conversion, error) {
	known := want.Types != nil && have.Types != nil && want.Value != 0 && have.Value != 0
	switch {
	case known:
	case want.ValueSize == have.ValueSize:
		return Conversion{{Size: have.ValueSize}}, nil
	case have.NoTypes != nil:
		return nil, mkerr.Wrap("what is where in its values is not known: %w", have.NoTypes)
	default:
		return nil, errors.New("no BTF says what is where in its values")
	}
	c := converter{shapes: shapes{want.Types, have.Types, maxSteps}}
	if err := copyable(have.Types, have.Value, 0, &c.left); err != nil {
		return nil, err
	}
	if err := c.value(want.Value, have.Value, field{}, field{}, "", 0); err != nil {
		return nil, err
	}
	for _, m := range c.moves { // hostile BTF
		if uint64(m.From)+uint64(m.Size) > uint64(have.ValueSize) || uint64(m.To)+uint64(max(m.Size, m.Grown)) > uint64(want.ValueSize) {
			return nil, errors.New("its BTF does not fit the size of its values")
		}
	}
	return c.moves, nil
}

var errTooLarge = errors.New("its type is too large to compare")

// value moves a value that is at f in the old one to where w is in the new.
func (c *converter) value(want, have btf.ID, w, f field, path string, depth int) error {
	if c.left--; c.left < 0 || depth > maxDepth {
		return errTooLarge
	}
	wt, ok1 := resolve(c.want, want)
	ht, ok2 := resolve(c.have, have)
	if !ok1 || !ok2 {
		return mkerr.Named("%s has no type", what(path))
	}
	wn, err1 := c.want.Sizeof(wt.ID())
	hn, err2 := c.have.Sizeof(ht.ID())
	if err1 != nil || err2 != nil {
		return mkerr.Named("%s has no size", what(path))
	}
	if f.bits != 0 || w.bits != 0 {
		return c.bitfield(w, f, path)
	}
	m := Move{From: f.off / 8, To: w.off / 8, Size: hn}
	if _, a, b := c.differ(want, have, path, depth); c.left < 0 {
		return errTooLarge
	} else if a == b {
		c.moves = append(c.moves, m)
		return nil
	}
	class := classOf(wt)
	if class != classOf(ht) {
		return mkerr.Errorf("%s was %s and is to be %s", what(path), describe(ht, hn), describe(wt, wn))
	}
	switch {
	case class == structure:
		return c.fields(wt, ht, m, path, depth)
	case class == integer && wn > hn:
		m.Grown, m.Signed = wn, ht.Signed()
		c.moves = append(c.moves, m)
		return nil
	case class == array && length(wt) > length(ht):
		if _, a, b := c.differ(wt.Target(), ht.Target(), path, depth); a == b && c.left >= 0 {
			c.moves = append(c.moves, m)
			return nil
		}
	}
	return mkerr.Errorf("%s was %s and is to be %s", what(path), describe(ht, hn), describe(wt, wn))
}

// fields moves each member to where the one of its name is.
func (c *converter) fields(wt, ht btf.Type, base Move, path string, depth int) error {
	if wt.Vlen() > maxFields || ht.Vlen() > maxFields {
		return errTooLarge
	}
	unnamed := 0
	to := fields(wt)
	for _, f := range fields(ht) {
		nth := 0
		if f.name == "" {
			nth = unnamed
			unnamed++
		}
		w, ok := find(to, f.name, nth)
		if !ok {
			return mkerr.Named("%s is gone", what(join(path, f.name)))
		}
		f.off += base.From * 8
		w.off += base.To * 8
		if err := c.value(w.typ, f.typ, w, f, join(path, f.name), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// bitfield is taken over with the bytes that it lies in, if it stays there.
func (c *converter) bitfield(w, f field, path string) error {
	if w.bits != f.bits || w.off != f.off {
		return mkerr.Named("%s is a bit field that moves", what(path))
	}
	first, end := f.off/8, (f.off+f.bits+7)/8
	c.moves = append(c.moves, Move{From: first, To: first, Size: end - first})
	return nil
}

func what(path string) string {
	if path == "" {
		return "the value"
	}
	return "member " + path
}

// owned are structs whose contents the kernel alone writes (btf_parse_fields
// in kernel/bpf/btf.c). A lock is none of them: it is free in a new element.
var owned = [...]string{
	"bpf_timer", "bpf_wq", "bpf_task_work", "bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount",
}

// copyable fails for a type that holds what cannot be read and stored again.
func copyable(s *btf.Spec, id btf.ID, depth int, left *int) error {
	if *left--; *left < 0 || depth > maxDepth {
		return errTooLarge
	}
	t, ok := resolve(s, id)
	if !ok {
		return nil
	}
	switch classOf(t) {
	case pointer:
		if tag, ok := s.Type(t.Target()); ok && tag.Kind() == btf.KindTypeTag && strings.HasSuffix(strings.TrimSuffix(tag.Name(), "_untrusted"), "ptr") {
			return mkerr.Named("it holds a %s", tag.Name())
		}
	case array:
		return copyable(s, t.Target(), depth+1, left)
	case structure:
		for _, name := range owned {
			if t.Name() == name {
				return mkerr.Named("it holds a struct %s", name)
			}
		}
		if t.Vlen() > maxFields {
			return errTooLarge
		}
		for _, f := range fields(t) {
			if err := copyable(s, f.typ, depth+1, left); err != nil {
				return err
			}
		}
	}
	return nil
}
