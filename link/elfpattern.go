package link

import (
	"io/fs"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/mkerr"
)

// maxPlaces bounds the functions of one pattern: MAX_UPROBE_MULTI_CNT of the
// kernel.
const maxPlaces = 1 << 20

// patternOffsets finds where the functions begin whose names match, ascending,
// each place once: several names of a function are one function.
func patternOffsets(path, pattern string) (offsets []uint64, err error) {
	err = inFile(path, func(e *elffile.File) error {
		offsets, err = elfPattern(e, pattern)
		return err
	})
	return offsets, err
}

// elfPattern looks in the symbol table, and, if that has none, in the dynamic
// symbols, as libbpf does. Versions are not part of a name unless the pattern
// has an '@'.
func elfPattern(e *elffile.File, pattern string) ([]uint64, error) {
	versioned := strings.IndexByte(pattern, '@') >= 0
	for _, dynamic := range [...]bool{false, true} {
		t, err := openTable(e, dynamic)
		if err != nil {
			return nil, err
		}
		var offsets []uint64
		var failed error
		err = t.syms.EachDefined(elffile.SymFunc, func(i int, name string) bool {
			if at := strings.IndexByte(name, '@'); at >= 0 && !versioned {
				name = name[:at]
			}
			if !glob(pattern, name) {
				return true
			}
			s, err := t.syms.At(i)
			if err == nil && len(offsets) >= maxPlaces {
				err = mkerr.Errorf("pattern %q matches more than %d functions", shown(pattern), maxPlaces)
			}
			if err != nil {
				failed = err
				return false
			}
			if off, ok := fileOffset(e, &s); ok {
				offsets = append(offsets, off)
			}
			return true
		})
		if failed != nil {
			err = failed
		}
		if err != nil {
			return nil, err
		}
		if len(offsets) != 0 {
			return distinct(offsets), nil
		}
	}
	return nil, mkerr.WrapNamed("no function matches %q: %w", shown(pattern), fs.ErrNotExist)
}

// distinct sorts offsets and drops those that are there already.
func distinct(offsets []uint64) []uint64 {
	bin.Sort(offsets, func(a, b *uint64) bool { return *a < *b })
	n := 1
	for _, off := range offsets[1:] {
		if off != offsets[n-1] {
			offsets[n] = off
			n++
		}
	}
	return offsets[:n]
}
