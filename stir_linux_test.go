package skep_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// stir makes every event that attach.c counts happen.
func stir(t *testing.T) {
	t.Helper()
	os.Getpid() // a system call each time
	pause := syscall.NsecToTimespec(1000)
	if err := syscall.Nanosleep(&pause, nil); err != nil { // time.Sleep waits by futex
		t.Fatal(err)
	}
	if err := exec.Command("/bin/sh", "-c", ":").Run(); err != nil {
		t.Fatal(err)
	}
}

// setCongestion chooses a TCP socket's congestion control.
func setCongestion(fd uintptr, name string) error {
	return syscall.SetsockoptString(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CONGESTION, name)
}

// call makes the system calls that fsession.c looks at.
func call(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/"); err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Getpgid(0); err != nil {
		t.Fatal(err)
	}
}
