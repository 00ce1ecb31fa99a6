package main

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// programs of this machine that the guest gets, each with its libraries: what
// tests start, and what one wants in a shell. A missing one is left out; a test
// that needs it says so.
var programs = []string{
	"bash", "sh", "cat", "true", "sleep", "ls", "id", "ip", "tc", "unshare", "bpftool",
	"mount", "dmesg", "ps", "grep", "head", "tail", "less", "su",
}

// userlandPackages have these programs, for guests of another architecture.
var userlandPackages = []string{"bash", "dash", "coreutils", "iproute2", "util-linux", "mount", "procps", "grep"}

// userland takes programs from below root: "" is this machine.
type userland struct {
	c    *cpioWriter
	root string
}

// add adds the programs that there are, and a minimal /etc.
func (u *userland) add() error {
	for _, name := range programs {
		path, ok := u.lookPath(name)
		if !ok {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		u.c.file("/bin/"+name, 0o755, data)
		if err := u.libraries(path); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"/etc/passwd":        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
		"/etc/group":         "root:x:0:\nnogroup:x:65534:\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
		"/etc/hosts":         "127.0.0.1 localhost\n::1 localhost\n",
	} {
		u.c.file(name, 0o644, []byte(text))
	}
	return nil
}

func (u *userland) lookPath(name string) (string, bool) {
	for _, d := range []string{"/usr/bin", "/bin", "/usr/sbin", "/sbin"} {
		path := filepath.Join(u.root, d, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
			return path, true
		}
	}
	return "", false
}

// libraries adds what an executable or library is linked with, to the place
// where it was.
func (u *userland) libraries(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return nil // a script
	}
	defer f.Close()
	needs, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	interp, err := interpreter(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if interp != "" {
		needs = append(needs, interp)
	}
	for _, n := range needs {
		lib, err := u.findLibrary(n)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if u.c.seen[lib[1:]] {
			continue
		}
		data, err := os.ReadFile(filepath.Join(u.root, lib))
		if err != nil {
			return err
		}
		u.c.file(lib, 0o755, data)
		if err := u.libraries(filepath.Join(u.root, lib)); err != nil {
			return err
		}
	}
	return nil
}

// interpreter is the loader of a dynamic executable, "" of anything else.
func interpreter(f *elf.File) (string, error) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b := make([]byte, p.Filesz)
			_, err := p.ReadAt(b, 0)
			name, _, _ := strings.Cut(string(b), "\x00")
			return name, err
		}
	}
	return "", nil
}

// libraryDirs are where Debian has libraries, of every architecture that a
// guest can have.
var libraryDirs = []string{
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"/lib/s390x-linux-gnu", "/usr/lib/s390x-linux-gnu", "/lib", "/usr/lib", "/lib64",
}

func (u *userland) findLibrary(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, d := range libraryDirs {
		path := filepath.Join(d, name)
		if _, err := os.Stat(filepath.Join(u.root, path)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("library %s not found", name)
}

// getUserland brings programs of another architecture into the cache.
func getUserland(cache, arch string) (string, error) {
	if arch == hostArch() {
		return "", nil
	}
	dir := filepath.Join(cache, "userland-"+arch)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	a, err := newAPT(filepath.Join(cache, "apt-"+arch), arch)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "vmtest: fetching programs for %s\n", arch)
	part := dir + fetching
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	if err := a.unpackWithDepends(part, userlandPackages...); err != nil {
		return "", err
	}
	return dir, os.Rename(part, dir)
}
