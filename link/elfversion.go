package link

import (
	"strings"

	"github.com/skepbpf/skep/internal/bin"
)

const (
	verdefSize  = 20 // Elfxx_Verdef: the same for both classes
	verdauxSize = 8  // Elfxx_Verdaux
)

// readVersions reads the names of the versions that the file defines, once.
// Every record lies after the one before it, so the walk ends. An error stays.
func (t *symbolTable) readVersions() error {
	if t.versions == nil {
		t.versions = map[uint16]string{}
		t.versionErr = t.findVersions()
	}
	return t.versionErr
}

func (t *symbolTable) findVersions() error {
	for i := range t.file.Sections {
		s := &t.file.Sections[i]
		if s.Type != sectionVerdef {
			continue
		}
		b, err := t.file.Data(i)
		if err != nil {
			return err
		}
		names, err := t.file.Strings(int(s.Link))
		if err != nil {
			return err
		}
		return t.parseVersions(s.Name, b, names)
	}
	return nil
}

func (t *symbolTable) parseVersions(section string, b []byte, names string) error {
	for off := uint64(0); ; {
		if off+verdefSize > uint64(len(b)) {
			return bin.Errorf(section, int64(off), "version definition beyond the end")
		}
		c := bin.NewCursor(section, int64(off), b[off:], t.file.Order)
		c.Skip(4) // vd_version, vd_flags
		index := c.U16()
		c.Skip(6) // vd_cnt, vd_hash
		aux, next := uint64(c.U32()), uint64(c.U32())
		if off+aux+verdauxSize > uint64(len(b)) {
			return bin.Errorf(section, int64(off), "name of a version beyond the end")
		}
		at := t.file.Order.Uint32(b[off+aux:])
		if uint64(at) >= uint64(len(names)) {
			return bin.Errorf(section, int64(off), "name offset %#x is beyond the strings", at)
		}
		name, _, _ := strings.Cut(names[at:], "\x00")
		t.versions[index&versymVersion] = name
		if next == 0 {
			return nil
		}
		off += next
	}
}
