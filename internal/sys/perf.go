package sys

import (
	"encoding/binary"
	"unsafe"
)

// PerfBit is the number of a one-bit field of struct perf_event_attr.
type PerfBit uint8

// Mask is the bit in PerfEventAttr.Bits: the compiler's layout of bit fields
// starts at the other end on big-endian machines.
func (b PerfBit) Mask() uint64 {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return 1 << (63 - b)
	}
	return 1 << b
}

// PerfEventOpen opens a perf event. pid -1 means every process, cpu -1 every
// CPU, group -1 no group; the descriptor is close-on-exec. attr.Size is set.
func PerfEventOpen(attr *PerfEventAttr, pid, cpu, group int, flags uint) (*FD, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	return perfOpen(unsafe.Pointer(attr), pid, cpu, group, flags)
}

// PerfProbeOpen is PerfEventOpen for an event of the kprobe or uprobe PMU.
// Requires Linux 4.17.
func PerfProbeOpen(attr *PerfProbeAttr, pid, cpu, group int, flags uint) (*FD, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	return perfOpen(unsafe.Pointer(attr), pid, cpu, group, flags)
}

func perfOpen(attr unsafe.Pointer, pid, cpu, group int, flags uint) (*FD, error) {
	if err := before("perf_event_open"); err != nil {
		return nil, err
	}
	raw, err := perfEventOpen(attr, pid, cpu, group, flags|PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return NewFD(raw)
}

// PerfSetBPF attaches a program to a perf event for as long as the event's
// descriptor is open (PERF_EVENT_IOC_SET_BPF).
func PerfSetBPF(event, prog int) error {
	return perfIoctl("perf ioctl set_bpf", event, ioctlSetBPF, prog)
}

// PerfEnable starts an event.
func PerfEnable(event int) error { return perfIoctl("perf ioctl enable", event, ioctlEnable, 0) }

// PerfDisable stops an event.
func PerfDisable(event int) error { return perfIoctl("perf ioctl disable", event, ioctlDisable, 0) }

// PerfID is the unique id of an event, as in its samples.
func PerfID(event int) (uint64, error) {
	var id uint64
	err := perfIoctlPtr("perf ioctl id", event, ioctlID, unsafe.Pointer(&id))
	return id, err
}

// PerfQueryBPF lists the ids of the programs on a tracepoint's event, at most
// limit of them. The error is ENOSPC if there are more; the ids that fit are
// then given. Requires Linux 4.16.
func PerfQueryBPF(event, limit int) ([]uint32, error) {
	// struct perf_event_query_bpf: ids_len, prog_cnt, ids[].
	buf := make([]uint32, 2+max(limit, 0))
	buf[0] = uint32(len(buf) - 2)
	err := perfIoctlPtr("perf ioctl query_bpf", event, ioctlQueryBPF, unsafe.Pointer(&buf[0]))
	return buf[2 : 2+min(int(buf[1]), len(buf)-2)], err
}

func perfIoctl(call string, event int, req uint, arg int) error {
	if err := before(call); err != nil {
		return err
	}
	return ioctlInt(call, event, req, arg)
}

func perfIoctlPtr(call string, event int, req uint, arg unsafe.Pointer) error {
	if err := before(call); err != nil {
		return err
	}
	return ioctlPtr(call, event, req, arg)
}
