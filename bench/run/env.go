package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tools of libbpf-tools whose objects are loaded.
var tools = []string{"tcptop", "execsnoop", "tcpconnect", "biolatency"}

// peer is a program that measures.
type peer struct {
	name string
	exe  string
	rows []string
}

var peerNames = []string{"skep", "libbpf", "cilium"}

// env is what rows are measured with; it lies in a directory of its own.
type env struct {
	dir     string
	peers   []*peer
	objects map[string]string   // of tools
	progs   map[string][]string // of objects, by path
}

func newEnv(dir string) (*env, error) {
	e := &env{dir: dir, objects: map[string]string{}, progs: map[string][]string{}}
	for _, name := range []string{"skep", "cilium"} {
		if err := e.goBuild("peer-"+name, "./peer/"+name); err != nil {
			return nil, err
		}
	}
	if err := e.cBuild("peer-libbpf", "./peer/libbpf", ""); err != nil {
		return nil, err
	}
	for _, name := range peerNames {
		p := &peer{name: name, exe: e.path("peer-" + name)}
		out, err := exec.Command(p.exe, "-rows").Output()
		if err != nil {
			return nil, fmt.Errorf("%s -rows: %w", name, err)
		}
		p.rows = strings.Fields(string(out))
		e.peers = append(e.peers, p)
	}
	return e, e.checkRows()
}

// checkRows sees to it that no row is forgotten on either side.
func (e *env) checkRows() error {
	known := map[string]bool{}
	for _, r := range rows {
		known[r.op] = true
		if !slices.ContainsFunc(e.peers, func(p *peer) bool { return slices.Contains(p.rows, r.op) }) {
			return fmt.Errorf("no peer has the row %s", r.op)
		}
	}
	for _, p := range e.peers {
		for _, op := range p.rows {
			if !known[op] {
				return fmt.Errorf("%s has a row %s that is not in the table", p.name, op)
			}
		}
	}
	return nil
}

func (e *env) path(name string) string { return filepath.Join(e.dir, name) }

// goBuild compiles a command of this module as a user would ship it.
func (e *env) goBuild(name, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", e.path(name), pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, b)
	}
	return nil
}

// cBuild compiles C files against libbpf; files is a directory or one file.
func (e *env) cBuild(name, files, ldflags string) error {
	list := []string{files}
	if !strings.HasSuffix(files, ".c") {
		var err error
		if list, err = filepath.Glob(filepath.Join(files, "*.c")); err != nil {
			return err
		}
	}
	cmd := exec.Command("../internal/compat/oracle/build.sh", append([]string{e.dir, name}, list...)...)
	cmd.Env = os.Environ()
	if ldflags != "" {
		cmd.Env = append(cmd.Env, "PROG_LDFLAGS="+ldflags)
	}
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", files, err, b)
	}
	return nil
}

// tool is the path of a tool's object and the programs of it to load.
func (e *env) tool(name string) (path string, progs []string, err error) {
	if e.objects[name] == "" {
		if e.objects[name], err = extract(e.dir, name); err != nil {
			return "", nil, err
		}
	}
	path = e.objects[name]
	if e.progs[path] == nil {
		if e.progs[path], err = loadable(e.path("peer-libbpf"), path); err != nil {
			return "", nil, err
		}
	}
	return path, e.progs[path], nil
}

// object is the arguments of a row over one tool's object.
func object(tool string) func(*env) ([]string, error) {
	return func(e *env) ([]string, error) {
		path, progs, err := e.tool(tool)
		return []string{"obj=" + path, "progs=" + strings.Join(progs, ",")}, err
	}
}

// allTools is the arguments of a row over several.
func allTools(tools ...string) func(*env) ([]string, error) {
	return func(e *env) ([]string, error) {
		var paths, args []string
		for _, t := range tools {
			path, progs, err := e.tool(t)
			if err != nil {
				return nil, err
			}
			paths = append(paths, path)
			args = append(args, filepath.Base(path)+"="+strings.Join(progs, ","))
		}
		return append(args, "objs="+strings.Join(paths, ",")), nil
	}
}

// testObject is the arguments of a row over one of testdata's objects.
func testObject(name string) func(*env) ([]string, error) {
	return func(*env) ([]string, error) { return []string{"obj=testdata/" + name + ".o"}, nil }
}

func drainArgs(records string) func(*env) ([]string, error) {
	return func(*env) ([]string, error) { return []string{"obj=testdata/drain.o", "records=" + records}, nil }
}

// uprobeArgs has functions of the go command, which is large, and wherever this runs.
func uprobeArgs(*env) ([]string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	exe := filepath.Join(strings.TrimSpace(string(root)), "bin", "go")
	symbols, err := functions(exe, 20)
	return []string{"obj=testdata/uprobes.o", "exe=" + exe, "symbols=" + strings.Join(symbols, ",")}, err
}

// installed is every object of libbpf-tools that all peers open.
func installed(e *env) ([]string, error) {
	paths, _, err := e.installed()
	return []string{"objs=" + strings.Join(paths, ",")}, err
}

// everyTool is the arguments of a row over all objects of libbpf-tools that all
// peers load, as far as libbpf does.
func everyTool(e *env) ([]string, error) {
	_, names, err := e.installed()
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(tool string) bool {
		args, err := object(tool)(e)
		return err != nil || !e.all(append([]string{"cold"}, args...)...)
	})
	return allTools(names...)(e)
}

// installed gives all objects of libbpf-tools that all peers open, and the tools
// they are of.
func (e *env) installed() (paths, names []string, err error) {
	exes, err := filepath.Glob("/usr/sbin/*")
	if err != nil {
		return nil, nil, err
	}
	for _, exe := range exes {
		if info, err := os.Stat(exe); err != nil || !info.Mode().IsRegular() {
			continue
		}
		name := filepath.Base(exe)
		path, err := extract(e.dir, name)
		if errors.Is(err, errNoObject) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if e.all("open", "obj="+path) {
			paths, names = append(paths, path), append(names, name)
		}
	}
	return paths, names, nil
}

// all reports whether all peers do this.
func (e *env) all(args ...string) bool {
	for _, p := range e.peers {
		if exec.Command(p.exe, args...).Run() != nil {
			return false
		}
	}
	return true
}

// btfNames are what a tracing tool looks up, and five names that no kernel has.
func btfNames(*env) ([]string, error) {
	names := map[string]string{
		"struct": "task_struct sock sock_common inet_sock tcp_sock sk_buff request gendisk file inode dentry qstr" +
			" nsproxy pid upid cgroup kernfs_node mm_struct no_such_struct task_struct_x",
		"typedef": "btf_trace_sched_switch btf_trace_block_rq_issue btf_trace_none",
		"func":    "tcp_v4_connect tcp_v9_connect",
		"enum":    "pid_type absent_enum",
	}
	var all, kinds []string
	for _, kind := range []string{"struct", "typedef", "func", "enum"} {
		for _, name := range strings.Fields(names[kind]) {
			all, kinds = append(all, name), append(kinds, kind)
		}
	}
	return []string{
		"names=" + strings.Join(all, ","), "kinds=" + strings.Join(kinds, ","),
		"absent=no_such_struct,task_struct_x,btf_trace_none,tcp_v9_connect,absent_enum",
	}, nil
}
