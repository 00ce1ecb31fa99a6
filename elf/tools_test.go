package elf

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// toolObjects extracts the BPF objects that the programs of Debian's
// libbpf-tools carry inside.
func toolObjects(t testing.TB) map[string][]byte {
	t.Helper()
	list, err := os.ReadFile(testutil.NeedFile(t, "package libbpf-tools", "/var/lib/dpkg/info/libbpf-tools.list")[0])
	if err != nil {
		t.Fatal(err)
	}
	objects := make(map[string][]byte)
	for _, path := range bytes.Fields(list) {
		if !bytes.HasPrefix(path, []byte("/usr/sbin/")) {
			continue
		}
		b, err := os.ReadFile(string(path))
		if err != nil {
			continue // a directory, or renamed
		}
		if o := embedded(b); o != nil {
			objects[filepath.Base(string(path))] = o
		}
	}
	return objects
}

// embedded finds the BPF object in an executable; its section headers end it.
func embedded(b []byte) []byte {
	magic := []byte("\x7fELF\x02\x01\x01")
	for at := 1; ; at++ {
		n := bytes.Index(b[at:], magic)
		if n < 0 {
			return nil
		}
		at += n
		if o := b[at:]; len(o) > 64 && binary.LittleEndian.Uint16(o[18:]) == 247 {
			end := binary.LittleEndian.Uint64(o[40:]) + 64*uint64(binary.LittleEndian.Uint16(o[60:]))
			if end <= uint64(len(o)) {
				return o[:end]
			}
		}
	}
}

func TestToolObjects(t *testing.T) {
	objects := toolObjects(t)
	if len(objects) < 40 {
		t.Errorf("%d objects, want 40 or more", len(objects))
	}
	for name, b := range objects {
		o, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(o.Progs) == 0 || o.Types == nil || len(o.Notes) == 0 {
			t.Errorf("%s: %d programs, types %v, %d notes", name, len(o.Progs), o.Types != nil, len(o.Notes))
		}
		for _, p := range o.Progs {
			if !p.Match.Exact {
				t.Errorf("%s: program %s: SEC(%q) is not known", name, p.Name, p.SEC)
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	objects := toolObjects(b)
	for _, name := range []string{"execsnoop", "tcptop", "tcpconnect", "biolatency", "opensnoop"} {
		o, ok := objects[name]
		if !ok {
			b.Errorf("libbpf-tools has no %s", name)
			continue
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(o)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestCorpus parses any objects in a directory given by the environment.
func TestCorpus(t *testing.T) {
	dir := testutil.OptIn(t, "SKEP_ELF_CORPUS")
	var paths []string
	for _, pattern := range []string{"*.elf", "*.o", "*/*.elf", "*/*.o", "*/*/*.elf", "*/*/*.o"} {
		p, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p...)
	}
	slices.Sort(paths)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(b); err != nil {
			t.Logf("%s: %v", path, err)
		}
	}
	t.Logf("%d objects", len(paths))
}
