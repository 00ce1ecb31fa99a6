package link

import (
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// multiarch is where Debian and its kin keep the libraries of a GOARCH.
var multiarch = [...]struct{ arch, dir string }{
	{"386", "/lib/i386-linux-gnu"},
	{"amd64", "/lib/x86_64-linux-gnu"},
	{"arm", "/lib/arm-linux-gnueabihf"},
	{"arm64", "/lib/aarch64-linux-gnu"},
	{"loong64", "/lib/loongarch64-linux-gnu"},
	{"ppc64le", "/lib/powerpc64le-linux-gnu"},
	{"riscv64", "/lib/riscv64-linux-gnu"},
	{"s390x", "/lib/s390x-linux-gnu"},
}

func multiarchDir(arch string) string {
	for _, m := range multiarch {
		if m.arch == arch {
			return m.dir
		}
	}
	return ""
}

// searchPath lists the directories where a file named without a directory is
// sought, and the permission bits (of any class) it must have.
func searchPath(file string, env func(string) string) (dirs []string, perm fs.FileMode) {
	lists := []string{env("PATH"), "/usr/bin:/usr/sbin"}
	perm = 0o111
	if strings.HasSuffix(file, ".so") || strings.Contains(file, ".so.") {
		lists = []string{env("LD_LIBRARY_PATH"), "/usr/lib64:/usr/lib", multiarchDir(runtime.GOARCH), "/lib64:/lib"}
		perm = 0o444
	}
	for _, l := range lists {
		for d := range strings.SplitSeq(l, ":") {
			if d != "" {
				dirs = append(dirs, d)
			}
		}
	}
	return dirs, perm
}

// ResolveBinary finds the file that a uprobe's path means: a path with a '/'
// stands for itself; a bare library name ("libc.so.6") is sought in
// LD_LIBRARY_PATH and the usual library directories, any other bare name in
// PATH and /usr/bin, /usr/sbin.
func ResolveBinary(path string) (string, error) {
	if path == "" {
		return "", mkerr.Errorf("find binary: no path")
	}
	if strings.Contains(path, "/") {
		return path, nil
	}
	dirs, perm := searchPath(path, os.Getenv)
	for _, d := range dirs {
		full := strings.TrimSuffix(d, "/") + "/" + path
		if st, err := sys.StatFile(full); err == nil && st.Mode.IsRegular() && st.Mode&perm != 0 {
			return full, nil
		}
	}
	return "", mkerr.Errorf("find binary %q: %w in %s", path, fs.ErrNotExist, strings.Join(dirs, ":"))
}
