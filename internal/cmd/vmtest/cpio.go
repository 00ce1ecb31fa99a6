package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// cpioWriter writes an archive in the "newc" format, which the kernel unpacks
// into its first root (Documentation/driver-api/early-userspace/buffer-format.rst).
// Parent folders are made as they are needed; the first file of a name stays.
type cpioWriter struct {
	w    io.Writer
	n    int64
	ino  uint32
	seen map[string]bool
	err  error
}

func newCPIO(w io.Writer) *cpioWriter { return &cpioWriter{w: w, seen: map[string]bool{}} }

// Modes of the archive: those of stat(2).
const (
	cpioDir  = 0o040000
	cpioFile = 0o100000
	cpioLink = 0o120000
	cpioChar = 0o020000
)

// cpioTrailer is the name of the entry that ends an archive.
const cpioTrailer = "TRAILER!!!"

// file adds a regular file with its permissions.
func (c *cpioWriter) file(name string, perm fs.FileMode, data []byte) {
	c.add(name, cpioFile|uint32(perm.Perm()), 0, 0, data)
}

func (c *cpioWriter) symlink(name, target string) { c.add(name, cpioLink|0o777, 0, 0, []byte(target)) }

func (c *cpioWriter) dir(name string) { c.add(name, cpioDir|0o755, 0, 0, nil) }

// device adds a character device.
func (c *cpioWriter) device(name string, major, minor uint32) {
	c.add(name, cpioChar|0o600, major, minor, nil)
}

func (c *cpioWriter) add(name string, mode, major, minor uint32, data []byte) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" || c.seen[name] || c.err != nil {
		return
	}
	if p := path.Dir(name); p != "." {
		c.dir(p)
	}
	c.seen[name] = true
	c.entry(name, mode, major, minor, data)
}

func (c *cpioWriter) entry(name string, mode, major, minor uint32, data []byte) {
	if int64(len(data)) > 1<<32-1 {
		c.err = fmt.Errorf("cpio: %s is too large", name)
		return
	}
	c.ino++
	c.write([]byte("070701"))
	for _, v := range []uint32{
		c.ino, mode, 0, 0, 1, 0, uint32(len(data)), // ino mode uid gid nlink mtime size
		0, 0, major, minor, uint32(len(name) + 1), 0, // dev rdev namesize check
	} {
		c.write(fmt.Appendf(nil, "%08X", v))
	}
	c.write(append([]byte(name), 0))
	c.pad()
	c.write(data)
	c.pad()
}

func (c *cpioWriter) pad() { c.write(make([]byte, -c.n&3)) }

func (c *cpioWriter) write(b []byte) {
	if c.err != nil {
		return
	}
	_, c.err = c.w.Write(b)
	c.n += int64(len(b))
}

// close writes the trailer; it does not close the writer below.
func (c *cpioWriter) close() error {
	if c.err == nil && len(c.seen) == 0 {
		c.err = errors.New("cpio: empty archive")
	}
	c.entry(cpioTrailer, 0, 0, 0, nil)
	return c.err
}
