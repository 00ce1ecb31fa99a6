package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/skepbpf/skep"
)

// target is the kernel to plan for: the running one, or one that is described
// by files.
type target struct {
	btf, release, symbols, pin string

	cpus int
}

func (t *target) flags(fs *flag.FlagSet) {
	fs.StringVar(&t.btf, "kernel", "", "plan for the kernel with this BTF: `file`, or directory like /sys/kernel/btf; with -release")
	fs.StringVar(&t.release, "release", "", "`release` of that kernel, such as 6.1.0; it has what mainline has")
	fs.StringVar(&t.symbols, "symbols", "", "`file` of its symbols, like /proc/kallsyms")
	fs.StringVar(&t.pin, "pin", "", "say what becomes of what is pinned in this `directory`")
	fs.IntVar(&t.cpus, "cpus", 1, "`number` of its possible CPUs")
}

var errNoRelease = errors.New("-kernel and -symbols need -release")

// check finds flags that make no sense together.
func (t *target) check() error {
	if t.release != "" && t.pin != "" {
		return errors.New("-pin is for the running kernel")
	}
	if t.release == "" && (t.btf != "" || t.symbols != "") {
		return errNoRelease
	}
	return nil
}

// madeUp reports whether the kernel is not the running one.
func (t *target) madeUp() bool { return t.release != "" }

// facts answers needs. The caller closes them.
func (t *target) facts(needs skep.Needs, config *skep.Config) (*skep.Facts, error) {
	o := &skep.FactOptions{Config: config, PinDir: t.pin}
	if !t.madeUp() {
		return skep.ReadFacts(needs, o)
	}
	features, err := skep.FeaturesOf(t.release)
	if err != nil {
		return nil, err
	}
	o.Features = features
	only := skep.Config{NoKernel: true}
	if config != nil {
		only.Text, only.Values = config.Text, config.Values
	}
	o.Config = &only
	root := files{
		"proc/sys/kernel/osrelease":       []byte(t.release + "\n"),
		"proc/sys/kernel/version":         []byte("#1\n"),
		"sys/devices/system/cpu/possible": fmt.Appendf(nil, "0-%d\n", max(t.cpus, 1)-1),
	}
	if err := root.addBTF(t.btf); err != nil {
		return nil, err
	}
	if t.symbols != "" {
		if root["proc/kallsyms"], err = os.ReadFile(t.symbols); err != nil {
			return nil, err
		}
	}
	o.Root = root
	return skep.ReadFacts(needs, o)
}

// files is a file system in memory.
type files map[string][]byte

// addBTF adds the types of vmlinux, and of modules where name is a directory.
func (f files) addBTF(name string) error {
	const dir = "sys/kernel/btf"
	if name == "" {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	from := map[string]string{"vmlinux": name}
	if info.IsDir() {
		entries, err := os.ReadDir(name)
		if err != nil {
			return err
		}
		clear(from)
		for _, e := range entries {
			from[e.Name()] = filepath.Join(name, e.Name())
		}
	}
	for module, file := range from {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f[path.Join(dir, module)] = b
	}
	return nil
}

// Open opens a file, or a directory that holds one.
func (f files) Open(name string) (fs.File, error) {
	if b, ok := f[name]; ok {
		return &file{info: info{path.Base(name), len(b), 0}, Reader: bytes.NewReader(b)}, nil
	}
	d := &file{info: info{path.Base(name), 0, fs.ModeDir}, Reader: bytes.NewReader(nil)}
	for _, k := range sortedKeys(f) {
		if path.Dir(k) == name {
			d.list = append(d.list, fs.FileInfoToDirEntry(info{path.Base(k), len(f[k]), 0}))
		}
	}
	if len(d.list) == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return d, nil
}

// file is an open one.
type file struct {
	info
	*bytes.Reader
	list []fs.DirEntry
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (*file) Close() error                 { return nil }
func (f *file) Size() int64                { return f.info.Size() }

func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	list := f.list
	if n > 0 && n < len(list) {
		list = list[:n]
	}
	f.list = f.list[len(list):]
	if n > 0 && len(list) == 0 {
		return nil, io.EOF
	}
	return list, nil
}

// info is what Stat says.
type info struct {
	name string
	size int
	mode fs.FileMode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(i.size) }
func (i info) Mode() fs.FileMode  { return i.mode | 0o444 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
