package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// apt is an apt of our own: lists and caches in a folder of the cache, sources
// made from the machine's. Nothing is installed and nothing of the system changes.
type apt struct {
	dir  string
	arch string
}

// listAge is how long lists of packages are believed to be the newest.
const listAge = 24 * time.Hour

func newAPT(dir, arch string) (*apt, error) {
	a := &apt{dir, arch}
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	name, err := codename("/etc/os-release")
	if err != nil {
		return nil, err
	}
	own, err := ownSources("/etc/apt")
	if err != nil {
		return nil, err
	}
	lines, err := sourceLines(own, name)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "sources.list")
	if old, err := os.ReadFile(path); err == nil && string(old) == lines {
		return a, nil
	}
	_ = os.Remove(a.stamp())
	return a, os.WriteFile(path, []byte(lines), 0o644)
}

func (a *apt) stamp() string { return filepath.Join(a.dir, "updated") }

// command runs a tool of apt's on the private root.
func (a *apt) command(dir, tool string, args ...string) (string, error) {
	options := []string{
		"-qq",
		"-o", "Dir::State=" + filepath.Join(a.dir, "state"),
		"-o", "Dir::State::status=/dev/null",
		"-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"),
		"-o", "Dir::Etc::sourcelist=" + filepath.Join(a.dir, "sources.list"),
		"-o", "Dir::Etc::sourceparts=-",
		"-o", "APT::Architecture=" + a.arch,
		"-o", "APT::Architectures::=" + a.arch,
		"-o", "APT::Update::Post-Invoke-Success::=",
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		"-o", "APT::Keep-Downloaded-Packages=true",
		"-o", "APT::Sandbox::User=root", // the cache may be where _apt cannot go
	}
	cmd := exec.Command(tool, append(options, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", tool, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// update fetches the lists, unless they are fresh.
func (a *apt) update() error {
	if st, err := os.Stat(a.stamp()); err == nil && time.Since(st.ModTime()) < listAge {
		return nil
	}
	if _, err := a.command("", "apt-get", "update"); err != nil {
		return err
	}
	return os.WriteFile(a.stamp(), nil, 0o644)
}

// kernels lists the names of kernel packages.
func (a *apt) kernels() ([]string, error) {
	out, err := a.command("", "apt-cache", "search", "--names-only", "^linux-(image|binary|modules|base)-")
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 0 {
			names = append(names, f[0])
		}
	}
	return names, nil
}

// unpack downloads packages and unpacks them into a folder.
func (a *apt) unpack(root string, packages ...string) error {
	debs, err := os.MkdirTemp(a.dir, "debs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(debs)
	if _, err := a.command(debs, "apt-get", append([]string{"download"}, packages...)...); err != nil {
		return err
	}
	n, err := extract(root, debs)
	if err == nil && n != len(packages) {
		err = errors.New("apt-get downloaded less than it was asked for")
	}
	return err
}

// unpackWithDepends is unpack of packages and all that they depend on.
func (a *apt) unpackWithDepends(root string, packages ...string) error {
	args := append([]string{
		"--yes", "--download-only", "--no-install-recommends",
		"-o", "APT::Default-Release=" + suites.archive[0], // not some of each
		"install",
	}, packages...)
	if _, err := a.command("", "apt-get", args...); err != nil {
		return err
	}
	_, err := extract(root, filepath.Join(a.dir, "cache", "archives"))
	return err
}

// extract unpacks all packages in a folder and returns how many they were.
func extract(root, debs string) (int, error) {
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if out, err := exec.Command("dpkg-deb", "-x", f, root).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("dpkg-deb %s: %w: %s", f, err, out)
		}
	}
	return len(files), nil
}
