package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

func hostArch() string { return runtime.GOARCH }

// moduleRoot is the folder of the go.mod that rules here.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("not inside a Go module")
	}
	return filepath.Dir(mod), nil
}

// goBuild runs the go command for a guest: static, so that it runs anywhere.
func goBuild(root, arch string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}

// buildInit builds PID 1.
func buildInit(root, dir, arch string) (string, error) {
	path := filepath.Join(dir, "init-"+arch)
	_, err := goBuild(root, arch, "build", "-o", path, "./internal/cmd/vmtest/guest")
	return path, err
}

// victims are Go programs for tests to attach to, and the linker's flags that
// make one of them stripped.
var victims = map[string]string{"skep-victim": "", "skep-victim-stripped": "-s -w"}

func buildVictim(root, dir, arch, name, flags string) (string, error) {
	path := filepath.Join(dir, name+"-"+arch)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	_, err := goBuild(root, arch, "build", "-ldflags="+flags, "-o", path, "./internal/cmd/vmtest/victim")
	return path, err
}

// buildTests builds the test binaries of the packages that patterns name;
// packages without tests are left out.
func buildTests(root, dir, arch string, patterns []string) ([]binary, error) {
	const format = `{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}	{{.Dir}}{{end}}`
	list, err := goBuild(root, arch, append([]string{"list", "-f", format}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var out []binary
	for line := range strings.Lines(list) {
		pkg, folder, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		rel, err := filepath.Rel(root, folder)
		if err != nil {
			return nil, err
		}
		b := binary{name: "./" + filepath.ToSlash(rel), dir: rel}
		if rel == "." {
			b.name = "."
		}
		b.path = filepath.Join(dir, arch, rel, filepath.Base(pkg)+".test")
		if err := os.MkdirAll(filepath.Dir(b.path), 0o755); err != nil {
			return nil, err
		}
		if _, err := goBuild(root, arch, "test", "-c", "-o", b.path, pkg); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no package of %s has tests", strings.Join(patterns, " "))
	}
	return out, nil
}
