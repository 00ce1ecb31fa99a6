package btf

import (
	"bytes"

	"github.com/skepbpf/skep/internal/bin"
)

// extWord says what a word of .BTF.ext is.
type extWord uint8

const (
	plainWord extWord = iota
	stringWord
	idWord
)

// extWords are the words of the records of each of extParts; what a longer
// record has beyond them is taken for words too.
var extWords = [len(extParts)][4]extWord{
	{plainWord, idWord},
	{plainWord, stringWord, stringWord, plainWord},
	{plainWord, idWord, stringWord, plainWord},
}

// eachExtWord calls f with the place of every word behind the header of a
// .BTF.ext. The structure is checked, what the words stand for is not.
func eachExtWord(b []byte, f func(at int, w extWord) error) error {
	order, err := byteOrder(extSection, b)
	if err != nil {
		return err
	}
	p := extParser{b: b, order: order}
	for i := range extParts {
		c, size, err := p.table(&extParts[i])
		if err != nil || c == nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := f(int(c.Offset())-4, plainWord); err != nil {
			return err
		}
		if err := eachRecordWord(c, size, &extWords[i], f); err != nil {
			return err
		}
	}
	return nil
}

// eachRecordWord goes through one table: for each ELF section its name, the
// number of records, and these.
func eachRecordWord(c *bin.Cursor, size uint32, words *[4]extWord, f func(at int, w extWord) error) error {
	for c.Len() > 0 {
		at := int(c.Offset())
		_, n := c.U32(), c.U32()
		body := c.Bytes(uint64(n) * uint64(size))
		if err := c.Err(); err != nil {
			return err
		}
		if err := f(at, stringWord); err != nil {
			return err
		}
		if err := f(at+4, plainWord); err != nil {
			return err
		}
		for i := 0; i < len(body); i += 4 {
			w := plainWord
			if k := i % int(size) / 4; k < len(words) {
				w = words[k]
			}
			if err := f(at+8+i, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// rewriteExt is a .BTF.ext with other string offsets and ids. str is false for
// an offset that is none.
func rewriteExt(ext []byte, str func(uint32) (uint32, bool), id func(ID) ID) ([]byte, error) {
	order, err := byteOrder(extSection, ext)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(ext)
	err = eachExtWord(ext, func(at int, w extWord) error {
		v := order.Uint32(ext[at:])
		switch w {
		case stringWord:
			to, ok := str(v)
			if !ok {
				return bin.Errorf(extSection, int64(at), "string at %#x: there is none", v)
			}
			order.PutUint32(out[at:], to)
		case idWord:
			to := id(ID(v))
			if to == 0 && v != 0 {
				return bin.Errorf(extSection, int64(at), "type %d: there is none", v)
			}
			order.PutUint32(out[at:], uint32(to))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
