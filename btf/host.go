package btf

import (
	"errors"
	"io/fs"
	"runtime"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
)

// Host tells a kernel among those that a program has types of.
type Host struct {
	ID      string // of the distribution, as in os-release: "ubuntu"
	Version string // VERSION_ID there: "20.04"
	Arch    string // as uname prints it: "x86_64"
	Release string // of the kernel: "5.4.0-42-generic"
}

// machines are the names of architectures that uname prints.
var machines = [...][2]string{
	{"amd64", "x86_64"}, {"arm64", "aarch64"}, {"386", "i686"}, {"arm", "armv7l"},
	{"ppc64le", "ppc64le"}, {"loong64", "loongarch64"}, {"riscv64", "riscv64"}, {"s390x", "s390x"},
}

// ReadHost asks the machine whose root root is; what os-release does not tell
// stays empty. Of the architecture it knows what this program was built for, if the
// kernel does not tell (Linux 6.1).
func ReadHost(root fs.FS) (Host, error) {
	var h Host
	b, err := fs.ReadFile(root, "proc/sys/kernel/osrelease")
	if err != nil {
		return h, mkerr.Wrap("which kernel this is: %w", err)
	}
	h.Release = strings.TrimSpace(string(b))
	if b, err := fs.ReadFile(root, "proc/sys/kernel/arch"); err == nil {
		h.Arch = strings.TrimSpace(string(b))
	} else {
		for _, m := range machines {
			if m[0] == runtime.GOARCH {
				h.Arch = m[1]
			}
		}
	}
	b, err = fs.ReadFile(root, "etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		b, err = fs.ReadFile(root, "usr/lib/os-release")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return h, mkerr.Wrap("which distribution this is: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			h.ID = value
		case "VERSION_ID":
			h.Version = value
		}
	}
	return h, nil
}

// Path is where a file for the host is, ID/VERSION/ARCH/RELEASE.btf, as BTFhub
// and the tools of BCC have it.
func (h Host) Path() string {
	return h.ID + "/" + h.Version + "/" + h.Arch + "/" + h.Release + ".btf"
}

// For gives the types that files has for a host: an Archive, an embed.FS or a
// directory, with names as Host.Path makes them. If there are none, the error
// Is ErrNoBTF and fs.ErrNotExist.
func For(files fs.FS, h Host) (*Spec, error) {
	name := h.Path()
	if !fs.ValidPath(name) {
		return nil, mkerr.Errorf("types of %+v: %w", h, ErrNoBTF)
	}
	b, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, mkerr.Errorf("%w: %w", ErrNoBTF, err)
	}
	if err != nil {
		return nil, err
	}
	s, err := Parse(b)
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", name, err)
	}
	return s, nil
}

// KernelOf is a kernel without modules whose types are in vmlinux: for CO-RE
// against types that the program brought, as skep.FactOptions.BTF takes it. It
// reads no file, and Close does nothing to vmlinux.
func KernelOf(vmlinux *Spec) *Kernel {
	k := &Kernel{opened: true, listed: true, vm: module{name: vmlinuxName}, swept: make(map[string]kindSet)}
	if k.vm.spec = vmlinux.onHeap(); k.vm.spec == nil {
		k.vm.err = mkerr.Wrap("kernel BTF: %w", ErrClosed)
	}
	return k
}
