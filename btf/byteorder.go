package btf

import (
	"bytes"
	"encoding/binary"

	"github.com/skepbpf/skep/internal/mkerr"
)

// InOrder is s with the bytes of all numbers in that order; s itself if they
// are. To do it back and forth gives the same bytes again.
func (s *Spec) InOrder(o binary.ByteOrder) (*Spec, error) {
	h := s.onHeap()
	if h == nil {
		return nil, ErrClosed
	}
	if isBig(o) == h.hdr.big {
		return h, nil
	}
	b := bytes.Clone(h.raw)
	swapHeader(b[:h.hdr.len])
	body := b[h.hdr.len:]
	swapWords(body[h.hdr.typeOff:][:h.hdr.typeLen])
	// An entry of the layout section is two bytes and a 16-bit number.
	for e := body[h.hdr.layoutOff:][:h.hdr.layoutN]; len(e) >= 4; e = e[4:] {
		e[2], e[3] = e[3], e[2]
	}
	out, err := parse(b, h.base, !h.sound)
	if err != nil {
		return nil, mkerr.Wrap("other byte order: %w", err)
	}
	return out, nil
}

// swapHeader turns the header of BTF or .BTF.ext: a 16-bit number, two bytes,
// and words.
func swapHeader(b []byte) {
	b[0], b[1] = b[1], b[0]
	swapWords(b[4:])
}

func swapWords(b []byte) {
	for ; len(b) >= 4; b = b[4:] {
		binary.LittleEndian.PutUint32(b, binary.BigEndian.Uint32(b))
	}
}

// ExtInOrder is a .BTF.ext with the bytes of all numbers in that order. Errors
// are *bin.FormatError with section ".BTF.ext".
func ExtInOrder(ext []byte, o binary.ByteOrder) ([]byte, error) {
	have, err := byteOrder(extSection, ext)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(ext)
	turn := isBig(have) != isBig(o)
	err = eachExtWord(ext, func(at int, _ extWord) error {
		if turn { // tables may overlap: each word is taken from where nothing changed
			binary.LittleEndian.PutUint32(out[at:], binary.BigEndian.Uint32(ext[at:]))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if turn {
		swapHeader(out[:have.Uint32(ext[4:])])
	}
	return out, nil
}
