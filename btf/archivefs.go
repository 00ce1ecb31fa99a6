package btf

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Open opens a file or a directory of the archive.
func (a *Archive) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if i := a.search(name); i < len(a.files) && a.files[i].name == name {
		b := a.files[i].data
		return &archiveFile{archiveInfo{path.Base(name), int64(len(b)), false}, *bytes.NewReader(b)}, nil
	}
	list := a.list(name)
	if len(list) == 0 && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &archiveDir{archiveInfo: archiveInfo{path.Base(name), 0, true}, list: list}, nil
}

// list is what a directory holds, sorted.
func (a *Archive) list(dir string) []fs.DirEntry {
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	var list []fs.DirEntry
	last := ""
	for i := a.search(prefix); i < len(a.files); i++ {
		rest, ok := strings.CutPrefix(a.files[i].name, prefix)
		if !ok {
			break
		}
		name, _, isDir := strings.Cut(rest, "/")
		if name == last {
			continue
		}
		last = name
		size := int64(len(a.files[i].data))
		if isDir {
			size = 0
		}
		list = append(list, archiveInfo{name, size, isDir})
	}
	return list
}

// archiveInfo describes a file or directory.
type archiveInfo struct {
	name string
	size int64
	dir  bool
}

func (i archiveInfo) Name() string               { return i.name }
func (i archiveInfo) Size() int64                { return i.size }
func (i archiveInfo) IsDir() bool                { return i.dir }
func (i archiveInfo) ModTime() time.Time         { return time.Time{} }
func (i archiveInfo) Sys() any                   { return nil }
func (i archiveInfo) Type() fs.FileMode          { return i.Mode().Type() }
func (i archiveInfo) Info() (fs.FileInfo, error) { return i, nil }
func (i archiveInfo) Stat() (fs.FileInfo, error) { return i, nil }
func (i archiveInfo) Close() error               { return nil }

func (i archiveInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type archiveFile struct {
	archiveInfo
	bytes.Reader
}

func (f *archiveFile) Size() int64 { return f.archiveInfo.Size() }

type archiveDir struct {
	archiveInfo
	list []fs.DirEntry
}

func (d *archiveDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}

func (d *archiveDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.list) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.list) {
		n = len(d.list)
	}
	list := d.list[:n:n]
	d.list = d.list[n:]
	return list, nil
}
