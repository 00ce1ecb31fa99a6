// Package compat compares skep with libbpf on objects that nobody here
// compiled: those inside Debian's libbpf-tools, and our own testdata.
package compat

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// object is a BPF object on disk.
type object struct {
	name string // of the tool, or of the file
	path string
	data []byte
}

const machineBPF = 247

// embedded returns the BPF objects inside a host executable: skeletons carry
// them as bytes of a data section, at any alignment.
func embedded(b []byte) [][]byte {
	var found [][]byte
	magic := []byte("\x7fELF\x02\x01\x01")
	for at := 0; ; {
		i := bytes.Index(b[at:], magic)
		if i < 0 {
			return found
		}
		at += i
		if n, ok := sizeOf(b[at:]); ok {
			found = append(found, b[at:at+n])
			at += n
			continue
		}
		at += len(magic)
	}
}

// sizeOf returns the size of the BPF object that b begins with.
func sizeOf(b []byte) (int, bool) {
	if len(b) < 64 || binary.LittleEndian.Uint16(b[16:]) != uint16(elf.ET_REL) || binary.LittleEndian.Uint16(b[18:]) != machineBPF {
		return 0, false
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return 0, false
	}
	end := binary.LittleEndian.Uint64(b[40:]) + uint64(binary.LittleEndian.Uint16(b[60:]))*uint64(binary.LittleEndian.Uint16(b[58:]))
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS {
			end = max(end, s.Offset+s.FileSize)
		}
	}
	return int(end), end <= uint64(len(b))
}

// toolObjects extracts the objects of libbpf-tools, one for each distinct
// content, into dir.
func toolObjects(t *testing.T, dir string) []object {
	t.Helper()
	out, err := os.ReadFile(testutil.NeedFile(t, "package libbpf-tools", "/var/lib/dpkg/info/libbpf-tools.list")[0])
	if err != nil {
		t.Fatal(err)
	}
	var list []object
	seen := map[string]bool{}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		if !strings.Contains(path, "bin/") {
			continue
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.EISDIR) {
			continue // renamed, or a directory
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range embedded(b) {
			if seen[string(o)] {
				continue
			}
			seen[string(o)] = true
			name := filepath.Base(path)
			file := filepath.Join(dir, name+".bpf.o")
			if err := os.WriteFile(file, o, 0o644); err != nil {
				t.Fatal(err)
			}
			list = append(list, object{name, file, o})
		}
	}
	if len(list) == 0 {
		t.Fatal("libbpf-tools is installed but holds no object")
	}
	return list
}

// ownObjects are the committed ones in the machine's byte order.
func ownObjects(t *testing.T) []object {
	t.Helper()
	order := ".el.o"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order = ".eb.o"
	}
	var list []object
	for _, glob := range []string{"../../testdata/*" + order, "../../examples/*/*" + order} {
		paths, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, object{strings.TrimSuffix(filepath.Base(p), order), p, b})
		}
	}
	if len(list) == 0 {
		t.Fatal("no object in testdata")
	}
	return list
}

func TestExtract(t *testing.T) {
	list := toolObjects(t, t.TempDir())
	t.Logf("%d objects", len(list))
	if len(list) < 40 {
		t.Errorf("libbpf-tools held %d objects, want about 50", len(list))
	}
}
