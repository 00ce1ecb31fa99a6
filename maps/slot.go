package maps

import (
	"encoding/binary"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// PutMap stores a map in a map of maps, under the 32-bit key index.
func (m *Map) PutMap(index uint32, inner MapRef) error { return m.putFD(index, inner.MapFD()) }

// PutProgram stores a program in a program array.
func (m *Map) PutProgram(index uint32, p ProgramRef) error { return m.putFD(index, p.ProgFD()) }

func (m *Map) putFD(index uint32, fd *sys.FD) error {
	if m.keySize != 4 {
		return m.fail(update, mkerr.Errorf("keys have %d bytes, an index has 4", m.keySize))
	}
	raw, err := fd.Borrow()
	if err != nil {
		return m.fail(update, err)
	}
	defer fd.Release()
	var key, value [4]byte
	binary.NativeEndian.PutUint32(key[:], index)
	binary.NativeEndian.PutUint32(value[:], uint32(raw))
	return m.Update(key[:], value[:], Any)
}
