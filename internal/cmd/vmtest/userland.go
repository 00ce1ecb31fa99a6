package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// programs of this machine that the guest gets, each with its libraries: what
// tests start, and what one wants in a shell. A missing one is left out; a test
// that needs it says so.
var programs = []string{
	"bash", "sh", "cat", "true", "sleep", "ls", "id", "ip", "tc", "unshare", "bpftool",
	"mount", "dmesg", "ps", "grep", "head", "tail", "less", "su",
}

// userland adds programs and a minimal /etc to the guest.
func userland(c *cpioWriter) error {
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if errors.Is(err, exec.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := addProgram(c, path, "/bin/"+name); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"/etc/passwd":        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
		"/etc/group":         "root:x:0:\nnogroup:x:65534:\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
		"/etc/hosts":         "127.0.0.1 localhost\n::1 localhost\n",
	} {
		c.file(name, 0o644, []byte(text))
	}
	return nil
}

// addProgram adds an executable and the libraries that it is linked with, these
// where they are here.
func addProgram(c *cpioWriter, path, as string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	c.file(as, 0o755, data)
	return addLibraries(c, path)
}

func addLibraries(c *cpioWriter, path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return nil // a script
	}
	defer f.Close()
	needs, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if interp, err := interpreter(f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	} else if interp != "" {
		needs = append(needs, interp)
	}
	for _, n := range needs {
		lib, err := findLibrary(n)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if c.seen[lib[1:]] {
			continue
		}
		data, err := os.ReadFile(lib)
		if err != nil {
			return err
		}
		c.file(lib, 0o755, data)
		if err := addLibraries(c, lib); err != nil {
			return err
		}
	}
	return nil
}

func interpreter(f *elf.File) (string, error) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz)
			_, err := p.ReadAt(b, 0)
			return string(b[:max(0, len(b)-1)]), err // without its NUL
		}
	}
	return "", nil
}

// libraryDirs are where Debian has libraries, of every architecture that a
// guest of this machine's programs can have.
var libraryDirs = []string{
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"/lib/s390x-linux-gnu", "/usr/lib/s390x-linux-gnu", "/lib", "/usr/lib", "/lib64",
}

func findLibrary(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, d := range libraryDirs {
		path := filepath.Join(d, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("library %s not found", name)
}
