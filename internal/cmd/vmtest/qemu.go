package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// qemuArgs are for an emulated machine (no KVM: what runs CI seldom has it).
// One thread emulates both CPUs: with several, 7.2 has hit an int3 of its own
// code patching, and they are no faster.
func qemuArgs(k *kernel, initrd string) []string {
	a := arches[k.arch]
	return append(slices.Clone(a.qemu),
		"-accel", "tcg,thread=single", "-smp", "2", "-m", "1G",
		"-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot",
		"-kernel", k.image(), "-initrd", initrd,
		"-append", "console="+a.console+" quiet log_buf_len=4M panic=-1 oops=panic mitigations=off lsm=landlock,lockdown,bpf"+a.params)
}

var errInterrupted = errors.New("interrupted")

// boot runs a guest until it powers off and hands each line of its console to
// line. It returns the processor time that QEMU took. QEMU's own status says
// little (a guest that panics ends it well), so an error is only one of starting
// it, a timeout or an interrupt.
func boot(ctx context.Context, args []string, timeout time.Duration, started func(*os.Process), line func(string)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if started != nil {
		started(cmd.Process)
	}
	r := bufio.NewReader(out)
	for err == nil {
		var s string
		if s, err = r.ReadString('\n'); s != "" {
			line(s)
		}
	}
	err = cmd.Wait()
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return cpu, fmt.Errorf("the guest was still running after %v", timeout)
	case ctx.Err() != nil:
		return cpu, errInterrupted
	case err != nil:
		return cpu, fmt.Errorf("%s: %w", args[0], err)
	}
	return cpu, nil
}

// haveTools says what to install of what the guests of some targets take.
func haveTools(list []target) error {
	var missing []string
	need := func(tool, pkg string) {
		if _, err := exec.LookPath(tool); err != nil && !slices.Contains(missing, pkg) {
			missing = append(missing, pkg)
		}
	}
	need("apt-get", "apt")
	need("dpkg-deb", "dpkg")
	need("zstd", "zstd")
	need("xz", "xz-utils")
	for _, t := range list {
		a := arches[t.arch]
		need(a.qemu[0], a.pkg)
		if a.kernelBTF {
			need(clang, clangPackage)
			need(llc, llcPackage)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("guests need packages that are not installed: apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	return nil
}

// terminal runs a guest on this terminal. QEMU makes it raw itself, so that
// interrupts go to the guest.
func terminal(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
