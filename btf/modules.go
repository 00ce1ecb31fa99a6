package btf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Mapper is what a file of a Kernel's fs.FS may also implement: the whole file
// as memory that stays valid until the file is closed. Linux maps its own BTF
// since 6.16, where reading it costs a copy of 5 MB.
type Mapper interface{ Map() ([]byte, error) }

// read gives the contents of a file, mapped where that is possible. A file
// that was mapped stays open until Close.
func (k *Kernel) read(name string) (b []byte, mapped bool, err error) {
	f, err := k.root.Open(name)
	if err != nil {
		return nil, false, err
	}
	if m, ok := f.(Mapper); ok {
		if b, err := m.Map(); err == nil {
			k.files = append(k.files, f)
			return b, true, nil
		}
	}
	defer f.Close()
	b, err = readAll(f)
	return b, false, err
}

// readAll reads a file that was not read yet.
func readAll(f io.Reader) ([]byte, error) {
	first := 512
	if size, err := fileSize(f); err == nil && size > 0 && size < 1<<30 {
		first = int(size) + 1 // to see the end without more room
	}
	return bin.ReadUpTo(f, first, math.MaxInt)
}

// release is the name under which the running kernel's files are kept.
func (k *Kernel) release() (string, error) {
	f, err := k.root.Open("proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := readAll(f)
	return strings.TrimSpace(string(b)), err
}

// openVmlinux gives the kernel's BTF of sysfs to use, or, where there is none,
// that of an image of the running kernel on disk which use takes.
func (k *Kernel) openVmlinux(use func(b []byte, mapped bool) error) error {
	name := btfDir + "/" + vmlinuxName
	b, mapped, err := k.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return k.fromImage(use)
	}
	if err == nil {
		if err = use(b, mapped); err != nil {
			err = mkerr.WrapNamed("%s: %w", name, err)
		}
	}
	return err
}

// images are the places of an uncompressed kernel, by release, that libbpf
// looks at too.
var images = [...]string{
	"boot/vmlinux-%s",
	"lib/modules/%[1]s/vmlinux-%[1]s",
	"lib/modules/%s/build/vmlinux",
	"usr/lib/modules/%s/kernel/vmlinux",
	"usr/lib/debug/boot/vmlinux-%s",
	"usr/lib/debug/boot/vmlinux-%s.debug",
	"usr/lib/debug/lib/modules/%s/vmlinux",
}

// fromImage goes on to the next place where there is no image, or a broken one.
func (k *Kernel) fromImage(use func(b []byte, mapped bool) error) error {
	release, err := k.release()
	if err != nil {
		return mkerr.Errorf("%w: not in sysfs, and the release is unknown: %w", ErrNoBTF, err)
	}
	var first error
	for _, pattern := range images {
		name := fmt.Sprintf(pattern, release)
		b, err := imageBTF(k.root, name)
		if err == nil {
			if err = use(b, false); err == nil {
				return nil
			}
			err = mkerr.WrapNamed("%s: %w", name, err)
		}
		if first == nil && !errors.Is(err, fs.ErrNotExist) {
			first = err
		}
	}
	if first != nil {
		return mkerr.Errorf("%w: not in sysfs: %w", ErrNoBTF, first)
	}
	return mkerr.Errorf("%w: neither "+btfDir+"/"+vmlinuxName+" (CONFIG_DEBUG_INFO_BTF) nor an image on disk", ErrNoBTF)
}

// list reads the names of modules, once.
func (k *Kernel) list() error {
	if k.listed {
		return nil
	}
	names, err := k.root.Names(btfDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return mkerr.Wrap("list module BTF: %w", err)
	}
	for _, name := range names {
		if name != vmlinuxName {
			k.modules = append(k.modules, &module{name: name})
		}
	}
	k.listed = true
	return nil
}

// module opens the module of that name.
func (k *Kernel) module(name string) (*module, error) {
	if err := k.list(); err != nil {
		return nil, err
	}
	for _, m := range k.modules {
		if m.name == name {
			k.open(m, nil)
			if m.err != nil {
				return nil, ModuleError{name, m.err}
			}
			return m, nil
		}
	}
	return nil, &NotFoundError{Module: name, NoModule: true}
}

// open opens m, or searches it further if it is open.
func (k *Kernel) open(m *module, names []sought) {
	if m.err != nil {
		return
	}
	if m.spec != nil {
		if names = m.missing(names); len(names) > 0 {
			m.err = m.search(names)
		}
		return
	}
	base, err := k.vmlinux(nil)
	if err != nil {
		m.err = err
		return
	}
	b, mapped, err := k.read(path.Join(btfDir, m.name))
	if err == nil {
		err = k.load(m, b, mapped, base, names)
	}
	m.err = err
}

// sweep searches all modules for q and, because opening them is what costs,
// for all names that vmlinux was found to lack.
func (k *Kernel) sweep(q sought) error {
	if q.kinds&^k.swept[q.name] == 0 {
		return nil
	}
	if err := k.list(); err != nil {
		return err
	}
	names := []sought{q}
	for name, h := range k.vm.found {
		if len(h.ids) == 0 && name != q.name && h.kinds&^k.swept[name] != 0 {
			names = append(names, sought{name: name, kinds: h.kinds})
		}
	}
	for _, m := range k.modules {
		fresh := make([]sought, len(names))
		copy(fresh, names)
		k.open(m, fresh)
	}
	for _, n := range names {
		k.swept[n.name] |= n.kinds
	}
	return nil
}
