package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// session is what the guests of one run share.
type session struct {
	root, cache, tmp string
	env              []string          // for the programs of all guests
	started          func(*os.Process) // sees each QEMU, if not nil

	mu    sync.Mutex // while something is fetched or built
	built map[string][]binary
	inits map[string]string
	files int
}

func newSession() (*session, error) {
	s := &session{built: map[string][]binary{}, inits: map[string]string{}}
	var err error
	if s.root, err = moduleRoot(); err != nil {
		return nil, err
	}
	if s.cache, err = cacheDir(); err != nil {
		return nil, err
	}
	s.tmp, err = os.MkdirTemp("", "vmtest-")
	return s, err
}

func (s *session) close() { os.RemoveAll(s.tmp) }

// job makes the mark that only this run's PID 1 knows.
func (s *session) job(bins []binary) *job {
	j := &job{
		mark: "@vmtest-" + rand.Text(), root: s.root, binaries: bins,
		env: []string{"PATH=/bin:/sbin", "HOME=/root", "TMPDIR=/tmp", "SKEP_REQUIRE=1", "SKEP_STOCK=1"},
	}
	j.env = append(j.env, s.env...)
	return j
}

// ready brings the kernel of a target and test binaries for it. What runs in
// them is up to the caller.
func (s *session) ready(t target, patterns []string) (*kernel, []binary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := getKernel(s.cache, t)
	if err != nil {
		return nil, nil, err
	}
	bins, err := s.tests(t.arch, patterns)
	return k, slices.Clone(bins), err
}

func (s *session) tests(arch string, patterns []string) ([]binary, error) {
	if b, ok := s.built[arch]; ok {
		return b, nil
	}
	fmt.Fprintf(os.Stderr, "vmtest: building tests for %s\n", arch)
	b, err := buildTests(s.root, s.tmp, arch, patterns)
	s.built[arch] = b
	return b, err
}

// foreign is a binary that somebody else built; its folder is where we are.
func (s *session) foreign(path string, args []string) (binary, error) {
	wd, err := os.Getwd()
	if err != nil {
		return binary{}, err
	}
	rel, err := filepath.Rel(s.root, wd)
	if err != nil {
		return binary{}, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return binary{}, err
	}
	b := binary{name: filepath.Base(path), dir: rel, path: abs}
	for _, a := range args {
		// The go command's list of opened files is for its cache; there is no
		// such folder in the guest.
		if !strings.HasPrefix(a, "-test.testlogfile=") {
			b.args = append(b.args, a)
		}
	}
	return b, nil
}

// guest boots a job, and returns the processor time that QEMU took.
func (s *session) guest(ctx context.Context, j *job, k *kernel, timeout time.Duration, line func(string)) (time.Duration, error) {
	initrd, err := s.prepare(j, k)
	if err != nil {
		return 0, err
	}
	defer os.Remove(initrd)
	return boot(ctx, qemuArgs(k, initrd), timeout, s.started, line)
}

func (s *session) prepare(j *job, k *kernel) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inits[k.arch] == "" {
		path, err := buildInit(s.root, s.tmp, k.arch)
		if err != nil {
			return "", err
		}
		s.inits[k.arch] = path
	}
	j.init = s.inits[k.arch]
	j.env = append(j.env, arches[k.arch].env...)
	j.files = map[string]string{}
	for name, flags := range victims {
		path, err := buildVictim(s.root, s.tmp, k.arch, name, flags)
		if err != nil {
			return "", err
		}
		j.files["/bin/"+name] = path
	}
	if arches[k.arch].kernelBTF {
		path := "/boot/btf-" + k.release
		j.files[path] = k.btf()
		j.env = append(j.env, "SKEP_KERNEL_BTF="+path)
	}
	var err error
	if j.userland, err = getUserland(s.cache, k.arch); err != nil {
		return "", err
	}
	s.files++
	initrd := filepath.Join(s.tmp, fmt.Sprintf("initrd-%d", s.files))
	return initrd, j.initramfs(initrd, k)
}

// shell boots a job with this terminal as its console.
func (s *session) shell(j *job, k *kernel) error {
	initrd, err := s.prepare(j, k)
	if err != nil {
		return err
	}
	return terminal(qemuArgs(k, initrd))
}
