//go:build !linux

package sys

import "unsafe"

func bpfSyscall(Cmd, unsafe.Pointer, uintptr, *CommonAttr) (uintptr, Errno) { return 0, ENOSYS }

type signalMask struct{}

func blockProfiling() (m signalMask) { return m }
func (m *signalMask) restore()       {}
