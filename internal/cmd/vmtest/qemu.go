package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
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
		"-append", "console="+a.console+" quiet panic=-1 oops=panic mitigations=off lsm=landlock,lockdown,bpf")
}

var errInterrupted = errors.New("interrupted")

// boot runs a guest until it powers off and hands each line of its console to
// line. QEMU's own status says little (a guest that panics ends it well), so an
// error is only one of starting it, a timeout or an interrupt.
func boot(args []string, timeout time.Duration, line func(string)) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r := bufio.NewReader(out)
	for err == nil {
		var s string
		if s, err = r.ReadString('\n'); s != "" {
			line(s)
		}
	}
	err = cmd.Wait()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the guest was still running after %v", timeout)
	case ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// haveQEMU says what to install where QEMU is missing.
func haveQEMU(name string) error {
	a := arches[name]
	if _, err := exec.LookPath(a.qemu[0]); err != nil {
		return fmt.Errorf("%w: install it with: apt-get install --no-install-recommends %s", err, a.pkg)
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
