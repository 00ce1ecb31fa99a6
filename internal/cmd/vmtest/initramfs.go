package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// binary is a program to run in a guest.
type binary struct {
	name string   // of its package, for people: "./link"
	dir  string   // to run it in, from the module's root
	path string   // here
	args []string // for the guest
}

// guestPath is where the guest has it. Its name stays what it is here: tests
// look at their own.
func (b *binary) guestPath(i int) string { return fmt.Sprintf("/test/%d/%s", i, filepath.Base(b.path)) }

// job is all that a guest needs to know.
type job struct {
	mark     string
	root     string            // of the module
	init     string            // PID 1
	userland string            // where programs for the guest are; "" is this machine
	files    map[string]string // path in the guest → here
	env      []string
	binaries []binary
	shell    bool
}

// initramfs writes the guest's root: PID 1 and its plan, the binaries with all
// testdata of the module where it is in the tree, kernel modules, the kernel's
// configuration and programs of this machine.
func (j *job) initramfs(path string, k *kernel) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	buf := bufio.NewWriterSize(f, 1<<20)
	z, err := gzip.NewWriterLevel(buf, gzip.BestSpeed)
	if err != nil {
		return err
	}
	c := newCPIO(z)
	if err := j.fill(c, k); err != nil {
		return err
	}
	if err := c.close(); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return buf.Flush()
}

func (j *job) fill(c *cpioWriter, k *kernel) error {
	for _, d := range []string{"dev", "proc", "sys", "tmp", "run", "root", "src"} {
		c.dir(d)
	}
	c.device("dev/console", 5, 1)
	c.device("dev/null", 1, 3)
	if err := copyTo(c, j.init, "/init", 0o755); err != nil {
		return err
	}
	if err := copyTo(c, k.config(), "/boot/config-"+k.release, 0o644); err != nil {
		return err
	}
	for to, from := range j.files {
		if err := copyTo(c, from, to, 0o755); err != nil {
			return err
		}
	}
	mods, err := k.modules()
	if err != nil {
		return err
	}
	for _, m := range mods {
		if err := copyTo(c, m, "/modules/"+filepath.Base(m), 0o644); err != nil {
			return err
		}
	}
	u := userland{c, j.userland}
	for i, b := range j.binaries {
		if err := copyTo(c, b.path, b.guestPath(i), 0o755); err != nil {
			return err
		}
		c.dir(path.Join("/src", filepath.ToSlash(b.dir)))
		if err := u.libraries(b.path); err != nil {
			return err
		}
	}
	if err := j.testdata(c); err != nil {
		return err
	}
	plan, err := j.plan(mods)
	if err != nil {
		return err
	}
	c.file("/vmtest.plan", 0o644, plan)
	return u.add()
}

func copyTo(c *cpioWriter, from, to string, perm fs.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	c.file(to, perm, data)
	return nil
}

// testdata copies every folder of that name, and other files that tests read
// beside their source: objects, texts.
func (j *job) testdata(c *cpioWriter) error {
	return filepath.WalkDir(j.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(j.root, p)
		if err != nil {
			return err
		}
		slash := filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && strings.HasPrefix(d.Name(), ".") || slash == "bench" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !strings.Contains("/"+slash, "/testdata/") && path.Ext(slash) != ".o" {
			return nil
		}
		return copyTo(c, p, "/src/"+slash, 0o644)
	})
}

// plan is the text that PID 1 follows; guest/main.go has its format.
func (j *job) plan(modules []string) ([]byte, error) {
	var lines [][]string
	lines = append(lines, []string{"mark", j.mark})
	for _, m := range modules {
		lines = append(lines, []string{"module", "/modules/" + filepath.Base(m)})
	}
	for _, e := range j.env {
		lines = append(lines, []string{"env", e})
	}
	for i, b := range j.binaries {
		if j.shell {
			break
		}
		lines = append(lines, append([]string{"run", b.name, path.Join("/src", filepath.ToSlash(b.dir)), b.guestPath(i)}, b.args...))
	}
	if j.shell {
		lines = append(lines, []string{"shell"})
	}
	var out []byte
	for _, l := range lines {
		for _, field := range l {
			if strings.ContainsAny(field, "\t\n") {
				return nil, fmt.Errorf("the guest cannot be given %q: it has a tab or a line's end", field)
			}
		}
		out = append(out, strings.Join(l, "\t")+"\n"...)
	}
	return out, nil
}
