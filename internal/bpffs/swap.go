package bpffs

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Names of pins while they are replaced. No object's map or program has such a
// name: '~' is not for C.
const (
	newSuffix = "~new"
	oldSuffix = "~old"
)

// Swap replaces a pin. What is to be there is pinned at New first; Put gives it
// the name, and Undo or Done ends the matter. Several pins are replaced together
// by putting all after all are pinned at New: see Recover.
//
// Links and renames need no newer kernel than pins do (Linux 4.7);
// RENAME_EXCHANGE would need 5.17.
type Swap struct {
	Path  string
	stage stage
}

// stage is how far a Swap is.
type stage uint8

const (
	begun stage = iota
	aside       // the old pin has its second name
	put         // the new one is in its place
	fresh       // as put, and nothing was there before
)

// New is where to pin what shall be at Path.
func (s *Swap) New() string { return s.Path + newSuffix }

// Put gives Path to what is pinned at New.
func (s *Swap) Put() error {
	err := sys.Link(s.Path, s.Path+oldSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		// Not by renaming: another loader may have pinned something meanwhile.
		if err = sys.Link(s.New(), s.Path); err == nil {
			s.stage = fresh
			err = sys.Unlink(s.New())
		}
		return err
	}
	if err == nil {
		s.stage = aside
		if err = sys.Rename(s.New(), s.Path); err == nil {
			s.stage = put
		}
	}
	return err
}

// Remove takes what is at Path aside: nothing is to be there.
func (s *Swap) Remove() error {
	err := sys.Rename(s.Path, s.Path+oldSuffix)
	if err == nil {
		s.stage = put
	}
	return err
}

// Undo makes all as it was before New was pinned.
func (s *Swap) Undo() error {
	var errs []error
	switch s.stage {
	case aside:
		errs = append(errs, remove(s.Path+oldSuffix))
	case put:
		errs = append(errs, sys.RestoreName(s.Path+oldSuffix, s.Path))
	case fresh:
		errs = append(errs, remove(s.Path))
	}
	s.stage = begun
	return mkerr.Join(append(errs, remove(s.New()))...)
}

// Done gives up what was at Path before.
func (s *Swap) Done() error {
	if s.stage != put {
		return nil
	}
	return remove(s.Path + oldSuffix)
}

func remove(path string) error {
	if err := sys.Unlink(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Recover ends what a process that died left half done in directories, of which
// the caller has locked the first. While a pin waits for its name, what was
// replaced so far is put back, for the programs that run use it; else only what
// was replaced is given up. A directory that does not exist is empty.
func Recover(dirs ...string) error {
	var olds, news []string
	for _, dir := range dirs {
		names, err := sys.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, name := range names {
			switch {
			case strings.HasSuffix(name, newSuffix):
				news = append(news, path.Join(dir, name))
			case strings.HasSuffix(name, oldSuffix):
				olds = append(olds, path.Join(dir, name))
			}
		}
	}
	var errs []error
	for _, old := range olds {
		if len(news) > 0 {
			errs = append(errs, sys.RestoreName(old, strings.TrimSuffix(old, oldSuffix)))
		}
		errs = append(errs, remove(old)) // also a second name of the same pin, which renaming leaves
	}
	for _, n := range news {
		errs = append(errs, remove(n))
	}
	return mkerr.Join(errs...)
}

// Temporary reports whether a name is of a pin that is being replaced.
func Temporary(name string) bool {
	return strings.HasSuffix(name, newSuffix) || strings.HasSuffix(name, oldSuffix)
}
