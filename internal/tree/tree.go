// Package tree is what the library needs of a file system: to open files by
// name, and to list a directory.
package tree

import (
	"io"
	"io/fs"
)

// Root is a tree of files with the rules of fs.FS for names and errors. A file
// may have more methods: ReadAt, Seek, Map.
//
// It is no fs.FS: the methods of an fs.File, called or not, keep the formatting
// of times and zones in every program, 75 KB.
type Root interface {
	Open(name string) (io.ReadCloser, error)
	// Names lists a directory.
	Names(dir string) ([]string, error)
}

// From makes a Root of a file system.
func From(fsys fs.FS) Root { return root{fsys} }

type root struct{ fsys fs.FS }

func (r root) Open(name string) (io.ReadCloser, error) { return r.fsys.Open(name) }

func (r root) Names(dir string) ([]string, error) {
	entries, err := fs.ReadDir(r.fsys, dir)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
