package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// elfOf is an ELF file of either class and order with these sections.
func elfOf(class byte, o byteOrders, sections map[string][]byte) []byte {
	order := []string{".BTF", ".BTF.ext", ".BTF.base"}
	word := func(b []byte, v int) []byte {
		if class == 1 {
			return o.AppendUint32(b, uint32(v))
		}
		return o.AppendUint64(b, uint64(v))
	}
	head, entry := 64, 64
	if class == 1 {
		head, entry = 52, 40
	}
	type sec struct{ name, off, size, typ int }
	strs, body := []byte{0}, []byte{}
	secs := []sec{{}}
	add := func(name string, b []byte, typ int) {
		secs = append(secs, sec{len(strs), head + len(body), len(b), typ})
		strs = append(append(strs, name...), 0)
		body = append(body, b...)
		for len(body)%8 != head%8 {
			body = append(body, 0)
		}
	}
	for _, name := range order {
		if b, ok := sections[name]; ok {
			add(name, b, 1)
		}
	}
	strs = append(strs, ".shstrtab\x00"...)
	at := bytes.Index(strs, []byte(".shstrtab"))
	secs = append(secs, sec{at, head + len(body), len(strs), 3})
	body = append(body, strs...)
	for len(body)%8 != head%8 {
		body = append(body, 0)
	}
	data := byte(1)
	if o == byteOrders(binary.BigEndian) {
		data = 2
	}
	out := append([]byte("\x7fELF"), class, data, 1)
	out = append(out, make([]byte, 9)...)
	out = o.AppendUint16(out, 1) // ET_REL
	out = o.AppendUint16(out, 0)
	out = o.AppendUint32(out, 1)
	out = word(word(word(out, 0), 0), head+len(body))
	out = o.AppendUint32(out, 0)
	for _, v := range []int{head, 0, 0, entry, len(secs), len(secs) - 1} {
		out = o.AppendUint16(out, uint16(v))
	}
	out = append(out, body...)
	for _, s := range secs {
		out = o.AppendUint32(out, uint32(s.name))
		out = o.AppendUint32(out, uint32(s.typ))
		out = word(word(word(word(out, 0), 0), s.off), s.size)
		out = o.AppendUint32(o.AppendUint32(out, 0), 0)
		out = word(word(out, 1), 0)
	}
	return out
}

func readFile(b []byte, base *Spec) (*File, error) {
	return ReadFile(bytes.NewReader(b), int64(len(b)), base)
}

func TestReadFile(t *testing.T) {
	for _, o := range orders {
		for class, ptr := range map[byte]uint32{1: 4, 2: 8} {
			b := newBuilder(o)
			b.ptr(0)
			f, err := readFile(elfOf(class, o, map[string][]byte{".BTF": b.bytes(), ".BTF.ext": {1, 2, 3, 4}}), nil)
			if err != nil {
				t.Fatal(err)
			}
			if n := f.Types.PointerSize(); n != ptr || len(f.Ext) != 4 {
				t.Errorf("pointers of %d bytes, .BTF.ext of %d", n, len(f.Ext))
			}
			if _, err := readFile(elfOf(class, o, map[string][]byte{".BTF.ext": {1}}), nil); !errors.Is(err, ErrNoBTF) || err.Error() != "no section .BTF" {
				t.Error(err)
			}
		}
		raw := everyKind(o)
		f, err := readFile(raw.bytes(), nil)
		if err != nil || f.Types.Len() != int(raw.n) {
			t.Error(err)
		}
		if _, err := readFile(raw.bytes()[:9], nil); err == nil {
			t.Error("a part of the file accepted")
		}
	}
	if _, err := readFile([]byte("no file of any kind"), nil); err == nil {
		t.Error("accepted")
	}
}

// TestReadModule: a module with a distilled base stands alone, or is moved onto
// the kernel; one without needs the kernel.
func TestReadModule(t *testing.T) {
	for _, o := range orders {
		base := everyKind(o).spec(t)
		whole := mustDedup(t, splitOn(t, base)).Types
		small, rest, err := Distill(whole)
		if err != nil {
			t.Fatal(err)
		}
		module := elfOf(2, o, map[string][]byte{".BTF": rest.Bytes(), ".BTF.base": small.Bytes()})
		alone, err := readFile(module, nil)
		if err != nil || alone.Types.Base().Len() != small.Len() {
			t.Error(err)
		}
		moved, err := readFile(module, base)
		if err != nil || moved.Types.Base() != base || !equalLines(dump(whole), dump(moved.Types)) {
			t.Error(err)
		}
		plain := elfOf(2, o, map[string][]byte{".BTF": whole.Bytes()})
		if f, err := readFile(plain, base); err != nil || !equalLines(dump(whole), dump(f.Types)) {
			t.Error(err)
		}
		if _, err := readFile(plain, nil); err == nil {
			t.Error("split types accepted without their base")
		}
		broken := elfOf(2, o, map[string][]byte{".BTF": rest.Bytes(), ".BTF.base": small.Bytes()[:30]})
		if _, err := readFile(broken, base); err == nil {
			t.Error("a broken base accepted")
		}
	}
}
