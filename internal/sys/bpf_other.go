//go:build !linux

package sys

import "unsafe"

func bpfSyscall(Cmd, unsafe.Pointer, uintptr, *CommonAttr) (uintptr, Errno) { return 0, ENOSYS }

type signalMask struct{}

func blockProfiling() (m signalMask) { return m }
func (m *signalMask) restore()       {}

func closeFD(int) error             { return unsupported("close") }
func dupFD(int) (int, error)        { return -1, unsupported("dup") }
func unsupported(call string) error { return newError(call, ENOSYS) }
