// Package bpffs handles the names of pins: directories that do not exist yet,
// what is wrong with a path, and replacing pins as one step of several.
package bpffs

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/skepbpf/skep/internal/sys"
)

// Error says that nothing can be pinned at a path, and why.
type Error struct {
	Path string
	// Dir is the nearest directory that exists.
	Dir string
	// Reason is one of NotBPFFS, Dot and NotADirectory.
	Reason Reason
	Err    error // the kernel's answer, or nil
}

// Reason says what is wrong with a path for a pin.
type Reason uint8

const (
	// NotBPFFS: Dir is in a file system of another kind.
	NotBPFFS Reason = iota
	// Dot: a name has a dot, which BPF file systems keep for themselves.
	Dot
	// NotADirectory: Dir is a file.
	NotADirectory
)

func (e *Error) Error() string {
	s := "pin " + e.Path + ": "
	switch e.Reason {
	case NotBPFFS:
		s += e.Dir + " is in no BPF file system: mount one, as by mount -t bpf bpf " + e.Dir
	case Dot:
		s += "names with a dot are not for pins"
	default:
		s += e.Dir + " is no directory"
	}
	if e.Err != nil {
		s += " (" + e.Err.Error() + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// nearest is the directory of path, or the next one above that exists.
func nearest(dir string) (string, sys.FileStat, error) {
	for {
		st, err := sys.StatFile(dir)
		up := path.Dir(dir)
		if err == nil || up == dir {
			return dir, st, err
		}
		dir = up
	}
}

// Explain gives the reason why the kernel refused to pin at a path with err, or
// err itself.
func Explain(at string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Path: at, Err: err}
	var st sys.FileStat
	var serr error
	if e.Dir, st, serr = nearest(path.Dir(at)); serr != nil {
		return err
	}
	magic, serr := sys.StatfsMagic(e.Dir)
	switch {
	case serr != nil:
		return err
	case st.Mode&fs.ModeDir == 0:
		e.Reason = NotADirectory
	case magic != sys.BPF_FS_MAGIC:
		e.Reason = NotBPFFS
	case strings.Contains(strings.TrimPrefix(at, e.Dir), "."):
		e.Reason = Dot
	default:
		return err
	}
	return e
}

// Made are directories that MakeDir made, outermost first.
type Made []string

// MakeDir makes what is missing of a directory of a BPF file system. It makes
// none in another file system: the error is an *Error.
func MakeDir(dir string) (Made, error) {
	at, _, err := nearest(dir)
	if err != nil || at == dir {
		return nil, err
	}
	if e, ok := errors.AsType[*Error](Explain(dir+"/", fs.ErrNotExist)); ok {
		return nil, e
	}
	var made Made
	rest, more := strings.Trim(strings.TrimPrefix(dir, at), "/"), true
	for more {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		at = path.Join(at, name)
		switch err := sys.Mkdir(at); {
		case err == nil:
			made = append(made, at)
		case !errors.Is(err, fs.ErrExist): // another loader was faster
			made.Remove()
			return nil, Explain(at, err)
		}
	}
	return made, nil
}

// Remove removes the directories again, if nothing is in them.
func (m Made) Remove() {
	for i := len(m) - 1; i >= 0; i-- {
		if sys.Rmdir(m[i]) != nil {
			return
		}
	}
}
