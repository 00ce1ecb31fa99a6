package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

var errNoObject = errors.New("no BPF object inside")

// extract writes the BPF object inside a tool of libbpf-tools to dir.
func extract(dir, tool string) (string, error) {
	exe, err := exec.LookPath(tool)
	if err != nil {
		exe = filepath.Join("/usr/sbin", tool)
	}
	b, err := os.ReadFile(exe)
	if err != nil {
		return "", fmt.Errorf("%w (Debian's libbpf-tools has it)", err)
	}
	for at := 1; at < len(b); at++ {
		i := bytes.Index(b[at:], []byte("\x7fELF\x02\x01\x01"))
		if i < 0 {
			break
		}
		at += i
		f, err := elf.NewFile(bytes.NewReader(b[at:]))
		if err != nil || f.Machine != elf.EM_BPF {
			continue
		}
		h := b[at:]
		end := binary.LittleEndian.Uint64(h[40:]) + uint64(binary.LittleEndian.Uint16(h[58:]))*uint64(binary.LittleEndian.Uint16(h[60:]))
		for _, s := range f.Sections {
			if s.Type != elf.SHT_NOBITS {
				end = max(end, s.Offset+s.FileSize)
			}
		}
		if end > uint64(len(h)) {
			continue
		}
		path := filepath.Join(dir, tool+".bpf.o")
		return path, os.WriteFile(path, h[:end], 0o644)
	}
	return "", fmt.Errorf("%s: %w", exe, errNoObject)
}

// loadable returns the programs that libbpf loads here one by one, so that all
// peers get the same work whatever the kernel refuses.
func loadable(libbpf, object string) ([]string, error) {
	out, err := exec.Command(libbpf, "-loadable", object).Output()
	if err != nil {
		return nil, fmt.Errorf("loadable programs of %s: %w", object, err)
	}
	list := strings.Fields(string(out))
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: libbpf loads none of its programs here", object)
	}
	return list, nil
}

// functions names n functions of an executable, spread over its symbol table.
func functions(exe string, n int) ([]string, error) {
	f, err := elf.Open(exe)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", exe, err)
	}
	seen := map[string]int{}
	var names []string
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size > 16 && s.Section != elf.SHN_UNDEF && !strings.ContainsAny(s.Name, ",=@") {
			seen[s.Name]++
			names = append(names, s.Name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return seen[name] > 1 })
	if len(names) < n {
		return nil, fmt.Errorf("%s: has %d functions", exe, len(names))
	}
	var picked []string
	for i := range n {
		picked = append(picked, names[(2*i+1)*len(names)/(2*n)])
	}
	return picked, nil
}
