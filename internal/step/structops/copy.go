package structops

import (
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Bounds of a walk: structs within structs (BTF allows 32), and members in all,
// for types that contain one another many times.
const (
	maxDepth   = 32
	maxMembers = 1 << 16
)

// copier copies what is no function pointer from the object's layout to the
// kernel's.
type copier struct {
	kernel, local *btf.Spec
	left          int // members to visit yet
}

// members copies the members of local, whose bytes are src, to those of the
// same names in to, whose bytes are dst.
func (c *copier) members(dst, src []byte, to, local btf.Type, depth int) error {
	if depth == maxDepth {
		return mkerr.Errorf("structs are nested %d deep", depth)
	}
	unnamed := 0
	for i := range local.Vlen() {
		if c.left--; c.left < 0 {
			return mkerr.Errorf("too many members")
		}
		m := local.Member(i)
		nth := 0
		if m.Name == "" {
			nth = unnamed
			unnamed++
		}
		if m.BitSize != 0 {
			if bitsSet(src, m) {
				return mkerr.Named("member %s: bit fields cannot be set", m.Name)
			}
			continue
		}
		from, err := part(src, c.local, m)
		if err != nil {
			return err
		}
		if isZero(from) {
			continue
		}
		_, km, ok := lookup(to, m.Name, nth)
		if !ok {
			return mkerr.Named("member %s is set, and the kernel has no such member", label(m.Name))
		}
		if err := c.member(dst, from, km, m, depth); err != nil {
			return mkerr.WrapNamed("member %s: %w", label(m.Name), err)
		}
	}
	return nil
}

func label(name string) string {
	if name == "" {
		return "(without a name)"
	}
	return name
}

// member copies one member. Values of the same kind and size are copied as
// they are; a struct that differs is matched member by member.
func (c *copier) member(dst, from []byte, km, m btf.Member, depth int) error {
	if km.BitSize != 0 || km.Offset%8 != 0 {
		return mkerr.Errorf("a bit field in the kernel")
	}
	lt, ok1 := c.local.Strip(m.Type)
	kt, ok2 := c.kernel.Strip(km.Type)
	if !ok1 || !ok2 || like(lt.Kind()) != like(kt.Kind()) {
		return mkerr.Errorf("%s in the object, %s in the kernel", lt, kt)
	}
	if lt.Kind() == btf.KindPtr {
		return mkerr.Errorf("a pointer that is set: only programs can be")
	}
	to, err := part(dst, c.kernel, km)
	if err != nil {
		return err
	}
	if len(from) == len(to) {
		copy(to, from)
		return nil
	}
	if lt.Kind() == btf.KindStruct {
		return c.members(to, from, kt, lt, depth+1)
	}
	return mkerr.Errorf("%d bytes in the object, %d in the kernel", len(from), len(to))
}

// like makes the two kinds of enums one.
func like(k btf.Kind) btf.Kind {
	if k == btf.KindEnum64 {
		return btf.KindEnum
	}
	return k
}

// part is the bytes of a member.
func part(b []byte, s *btf.Spec, m btf.Member) ([]byte, error) {
	n, err := s.Sizeof(m.Type)
	if err != nil {
		return nil, mkerr.WrapNamed("member %s: %w", label(m.Name), err)
	}
	at := uint64(m.Offset / 8)
	if m.Offset%8 != 0 || at+uint64(n) > uint64(len(b)) {
		return nil, mkerr.Named("member %s lies outside of its struct", label(m.Name))
	}
	return b[at : at+uint64(n)], nil
}

// bitsSet reports whether any byte that a bit field lies in is not zero.
func bitsSet(b []byte, m btf.Member) bool {
	first, last := uint64(m.Offset)/8, (uint64(m.Offset)+uint64(m.BitSize)+7)/8
	if last > uint64(len(b)) {
		return true
	}
	return !isZero(b[first:last])
}

func isZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}
