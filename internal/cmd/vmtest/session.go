package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// session is what the guests of one run share.
type session struct {
	root, cache, tmp string
	built            map[string][]binary
	inits            map[string]string
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
	return &job{
		mark: "@vmtest-" + rand.Text(), root: s.root, binaries: bins,
		env: []string{"PATH=/bin:/sbin", "HOME=/root", "TMPDIR=/tmp", "SKEP_REQUIRE=1", "SKEP_STOCK=1"},
	}
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

// guest boots a job.
func (s *session) guest(j *job, k *kernel, timeout time.Duration, line func(string)) error {
	initrd, err := s.prepare(j, k)
	if err != nil {
		return err
	}
	return boot(qemuArgs(k, initrd), timeout, line)
}

func (s *session) prepare(j *job, k *kernel) (string, error) {
	if s.inits[k.arch] == "" {
		path, err := buildInit(s.root, s.tmp, k.arch)
		if err != nil {
			return "", err
		}
		s.inits[k.arch] = path
	}
	j.init = s.inits[k.arch]
	var err error
	if j.userland, err = getUserland(s.cache, k.arch); err != nil {
		return "", err
	}
	initrd := filepath.Join(s.tmp, "initrd")
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
