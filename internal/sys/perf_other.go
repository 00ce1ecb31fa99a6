//go:build !linux

package sys

import "unsafe"

const (
	ioctlSetBPF uint = iota
	ioctlEnable
	ioctlDisable
	ioctlID
	ioctlQueryBPF
)

func perfEventOpen(unsafe.Pointer, int, int, int, uint) (int, error) {
	return -1, unsupported("perf_event_open")
}

func ioctlInt(call string, _ int, _ uint, _ int) error            { return unsupported(call) }
func ioctlPtr(call string, _ int, _ uint, _ unsafe.Pointer) error { return unsupported(call) }
