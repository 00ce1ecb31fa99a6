package btf

import "github.com/skepbpf/skep/internal/bin"

// Parse reads a blob of either byte order and checks all of it: ids, string
// offsets, record sizes, loops that no pointer breaks, array sizes. Errors are
// *bin.FormatError with section ".BTF". The Spec keeps b, which must not be
// changed afterwards.
func Parse(b []byte) (*Spec, error) { return ParseSplit(b, nil) }

// ParseSplit is Parse for a blob whose ids and string offsets continue base's,
// as the BTF of a module continues that of vmlinux.
func ParseSplit(b []byte, base *Spec) (*Spec, error) {
	if base != nil {
		if base = base.onHeap(); base == nil {
			return nil, ErrClosed
		}
	}
	return parse(b, base, true)
}

// parse is ParseSplit on a base of the heap. check is false for types that are
// known to be sound.
func parse(b []byte, base *Spec, check bool) (*Spec, error) {
	s, err := newSpec(b, base)
	if err != nil {
		return nil, err
	}
	if check {
		err = s.check()
	} else {
		s.index, err = s.scan(0, nil)
	}
	if err != nil {
		return nil, err
	}
	s.sound = true
	s.copyText()
	return s, nil
}

// check makes the index, and sure of all that Parse promises.
func (s *Spec) check() (err error) {
	if s.accept() {
		return nil
	}
	if s.index, err = s.scan(0, nil); err != nil {
		return err
	}
	w := s.newWalk()
	if err := s.validate(w); err != nil {
		return err
	}
	return w.checkLoops()
}

// checkStrings makes sure that no string runs past the section.
func (s *Spec) checkStrings() error {
	at := int64(s.hdr.len) + int64(s.hdr.strOff)
	n := len(s.strs)
	switch {
	case n == 0 && s.base != nil:
		return nil
	case n == 0:
		return bin.Errorf(section, at, "no string section")
	case s.strs[n-1] != 0:
		return bin.Errorf(section, at+int64(n)-1, "the last string does not end")
	case s.base == nil && s.strs[0] != 0:
		return bin.Errorf(section, at, "the first string is not empty: base BTF needed")
	case uint64(s.strOff)+uint64(n) > 1<<32-1:
		return bin.Errorf(section, at, "strings of base and blob exceed 4 GiB")
	}
	return nil
}

// typeAt is the place of an offset of the type section within the blob.
func (s *Spec) typeAt(off uint32) int64 {
	return int64(s.hdr.len) + int64(s.hdr.typeOff) + int64(off)
}
