package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// guest is the machine as the plan wants it.
type guest struct {
	mark    string
	modules []string
	env     []string
	runs    [][]string
	shell   bool
}

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: runs as PID 1 of a virtual machine only")
		os.Exit(2)
	}
	mountAll()
	openConsole()
	g, err := readPlan(planPath)
	if err != nil {
		powerOff(err)
	}
	for _, m := range g.modules {
		if err := loadModule(m); err != nil {
			g.say("warn", err) // tests that need it will miss it
		}
	}
	if err := loopbackUp(); err != nil {
		powerOff(err)
	}
	for i, r := range g.runs {
		g.say("begin", i, r[0])
		start := time.Now()
		status := g.run(r[1], r[2:])
		g.say("end", i, status, time.Since(start).Milliseconds())
	}
	if g.shell {
		g.runShell()
	}
	for _, s := range kernelSplats() {
		g.say(s[0], s[1])
	}
	g.say("done", len(g.runs))
	powerOff(nil)
}

// say prints a line for vmtest, on a line of its own whatever was written before.
func (g *guest) say(args ...any) {
	fmt.Fprint(os.Stdout, "\n"+g.mark+" "+fmt.Sprintln(args...))
}

// mounts are what a booted distribution has. Failures are for the tests to
// find: an old kernel may lack one.
var mounts = []struct{ fstype, dir, options string }{
	{"devtmpfs", "/dev", ""},
	{"devpts", "/dev/pts", ""},
	{"tmpfs", "/dev/shm", ""},
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"securityfs", "/sys/kernel/security", ""},
	{"debugfs", "/sys/kernel/debug", ""},
	{"tracefs", "/sys/kernel/tracing", ""},
	{"bpf", "/sys/fs/bpf", ""},
	{"cgroup2", "/sys/fs/cgroup", ""},
	{"tmpfs", "/tmp", ""},
	{"tmpfs", "/run", ""},
}

func mountAll() {
	for _, m := range mounts {
		_ = os.MkdirAll(m.dir, 0o755)
		_ = syscall.Mount(m.fstype, m.dir, m.fstype, 0, m.options)
	}
	_ = os.Chmod("/tmp", 0o1777|os.ModeSticky)
}

// openConsole puts the console where a process expects its standard files; a
// kernel that finds no /dev/console in the initramfs starts init without any.
func openConsole() {
	fd, err := syscall.Open("/dev/console", syscall.O_RDWR, 0)
	if err != nil {
		powerOff(err)
	}
	for i := range 3 {
		if fd != i {
			_ = syscall.Dup3(fd, i, 0)
		}
	}
}

func readPlan(path string) (*guest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g := &guest{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case f[0] == "mark" && len(f) == 2:
			g.mark = f[1]
		case f[0] == "module" && len(f) == 2:
			g.modules = append(g.modules, f[1])
		case f[0] == "env" && len(f) == 2:
			g.env = append(g.env, f[1])
		case f[0] == "run" && len(f) >= 4:
			g.runs = append(g.runs, f[1:])
		case f[0] == "shell":
			g.shell = true
		default:
			return nil, fmt.Errorf("plan: unknown line %q", line)
		}
	}
	return g, nil
}

// finitModule are the numbers of finit_module(2), which syscall does not have.
var finitModule = map[string]uintptr{"amd64": 313, "arm64": 273, "s390x": 344}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	params, err := syscall.BytePtrFromString("")
	if err != nil {
		return err
	}
	call, ok := finitModule[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("module %s: vmtest has no guests of %s", path, runtime.GOARCH)
	}
	_, _, errno := syscall.Syscall(call, f.Fd(), uintptr(unsafe.Pointer(params)), 0)
	if errno != 0 && errno != syscall.EEXIST {
		return fmt.Errorf("module %s: %w", path, errno)
	}
	return nil
}

// loopbackUp does what "ip link set lo up" does.
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	defer syscall.Close(fd)
	req := struct { // struct ifreq
		name  [syscall.IFNAMSIZ]byte
		flags int16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(req.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return fmt.Errorf("lo: %w", errno)
	}
	return nil
}

// run returns the exit status, or 128 and the signal's number as a shell would.
func (g *guest) run(dir string, argv []string) int {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, g.env
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		fmt.Println(err)
		return 127
	}
	if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		fmt.Println(exit)
		return 128 + int(s.Signal())
	}
	return exit.ExitCode()
}

// runShell gives the console's own terminal to a shell, so that job control and
// interrupts work.
func (g *guest) runShell() {
	tty := "/dev/console"
	if active, err := os.ReadFile("/sys/class/tty/console/active"); err == nil {
		if f := strings.Fields(string(active)); len(f) > 0 {
			tty = filepath.Join("/dev", f[len(f)-1])
		}
	}
	f, err := os.OpenFile(tty, os.O_RDWR, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	cmd := exec.Command("/bin/bash", "-i")
	cmd.Dir, cmd.Env = "/src", append(g.env, "TERM=linux", "PS1=guest:\\w# ")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
}

// complaints are what begins them in the kernel's log.
var complaints = []string{
	"WARNING: ", "BUG: ", "User process fault: ", "UBSAN: ", "KASAN: ", "Oops: ", "general protection fault", "INFO: rcu", "INFO: task", "INFO: trying to register",
	"possible recursive locking", "possible circular locking", "inconsistent lock state", "suspicious RCU usage", "scheduling while atomic",
}

// traceLines bounds what is told of a complaint.
const traceLines = 40

// kernelSplats reads the kernel's log, which the console does not show, for
// complaints: pairs of "splat" or, for the lines that follow one, "trace", and
// the line.
func kernelSplats() [][2]string {
	const readAll = 3 // SYSLOG_ACTION_READ_ALL
	log := make([]byte, 8<<20)
	n, err := syscall.Klogctl(readAll, log)
	if err != nil {
		return [][2]string{{"splat", "the kernel's log cannot be read: " + err.Error()}}
	}
	return findSplats(string(log[:n]))
}

func findSplats(log string) [][2]string {
	var out [][2]string
	trace := 0 // lines left
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		found := false
		for _, c := range complaints {
			found = found || strings.Contains(line, c)
		}
		switch {
		case found:
			out, trace = append(out, [2]string{"splat", line}), traceLines
		case trace > 0:
			out = append(out, [2]string{"trace", line})
			if trace--; strings.Contains(line, "end trace") {
				trace = 0
			}
		}
	}
	return out
}

// powerOff ends the machine; without the last marker if something went wrong.
func powerOff(err error) {
	if err != nil {
		fmt.Println("guest:", err)
	}
	syscall.Sync()
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	os.Exit(1) // PID 1 exits: the kernel panics, which is seen
}
