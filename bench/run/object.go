package main

import (
	"bufio"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

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
	return "", fmt.Errorf("%s: no BPF object inside", exe)
}

// loadable returns the programs that libbpf loads here one by one, so that all
// peers get the same work whatever the kernel refuses.
func loadable(oracle, object string) ([]string, error) {
	out, err := exec.Command(oracle, "each", object).Output()
	if err != nil {
		return nil, fmt.Errorf("oracle each %s: %v", object, err)
	}
	var list []string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var l struct {
			Program string
			OK      bool
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, err
		}
		if l.OK {
			list = append(list, l.Program)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: libbpf loads none of its programs here", object)
	}
	return list, nil
}
