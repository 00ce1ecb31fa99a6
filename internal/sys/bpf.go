package sys

import "unsafe"

const (
	// loadAttempts bounds PROG_LOAD's retries after EAGAIN, which the verifier
	// returns when a signal is pending (kernel/bpf/verifier.c, do_check).
	// libbpf tries as often.
	loadAttempts = 5
	// interruptAttempts bounds retries after EINTR: enough for any burst of
	// signals, and an end for a kernel (or a test) that says nothing else. A
	// PROG_TEST_RUN that was interrupted starts over: the program may have run
	// more often than asked.
	interruptAttempts = 64
)

// bpf issues one command. It is the only caller of the seam and of the system
// call, and it must not allocate or let attr escape: map operations run here.
func bpf(cmd Cmd, attr unsafe.Pointer, size uintptr, common *CommonAttr) (uintptr, Errno) {
	switch cmd &^ BPF_COMMON_ATTRS {
	case BPF_PROG_LOAD, BPF_PROG_TEST_RUN:
		// Both run for long and give up when a signal is pending. A CPU
		// profile sends SIGPROF 100 times a second to the thread that uses
		// CPU time: a program whose verification takes longer than 10 ms
		// would never load.
		mask := blockProfiling()
		defer mask.restore()
	}
	again, interrupted := 1, 1
	for {
		r, errno := bpfOnce(cmd, attr, size, common)
		switch {
		case errno == EINTR && interrupted < interruptAttempts:
			interrupted++
		case errno == EAGAIN && cmd&^BPF_COMMON_ATTRS == BPF_PROG_LOAD && again < loadAttempts:
			again++
		default:
			return r, errno
		}
	}
}

func bpfOnce(cmd Cmd, attr unsafe.Pointer, size uintptr, common *CommonAttr) (uintptr, Errno) {
	if s := seam.Load(); s != nil && s.BPF != nil {
		return s.BPF(cmd, noescape(attr), size, (*CommonAttr)(noescape(unsafe.Pointer(common))))
	}
	return bpfSyscall(cmd, attr, size, common)
}

func callErr(cmd Cmd, attr unsafe.Pointer, size uintptr) error {
	_, errno := bpf(cmd, attr, size, nil)
	return cmdError(cmd, errno)
}

func callFD(cmd Cmd, attr unsafe.Pointer, size uintptr) (*FD, error) {
	return callFDCommon(cmd, attr, size, nil)
}

func callFDCommon(cmd Cmd, attr unsafe.Pointer, size uintptr, common *CommonAttr) (*FD, error) {
	r, errno := bpf(cmd, attr, size, common)
	if errno != 0 {
		return nil, cmdError(cmd, errno)
	}
	return NewFD(int(r))
}

// LinkCreate attaches a program, or a struct_ops map, and gives the link
// (BPF_LINK_CREATE). Requires Linux 5.7; each kind of link has its own release.
func LinkCreate[A linkCreateAttr](attr *A) (*FD, error) {
	return callFD(BPF_LINK_CREATE, unsafe.Pointer(attr), unsafe.Sizeof(*attr))
}

// ObjGetInfoByFD describes the map, program, link, BTF object or token of fd
// (BPF_OBJ_GET_INFO_BY_FD). Buffers that info points at are filled as far as
// their counts say. An older kernel leaves the fields it does not know as they
// are. Requires Linux 4.13.
func ObjGetInfoByFD[I objInfo](fd int, info *I) error {
	attr := ObjInfoAttr{BpfFd: uint32(fd), InfoLen: uint32(unsafe.Sizeof(*info)), Info: PtrTo(info)}
	return callErr(BPF_OBJ_GET_INFO_BY_FD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}

// StreamRead reads a program's stream (BPF_PROG_STREAM_READ_BY_FD) and gives
// the number of bytes. Requires Linux 6.17.
func StreamRead(attr *ProgStreamReadAttr) (int, error) {
	r, errno := bpf(BPF_PROG_STREAM_READ_BY_FD, unsafe.Pointer(attr), unsafe.Sizeof(*attr), nil)
	return int(r), cmdError(BPF_PROG_STREAM_READ_BY_FD, errno)
}

// MapCreateLog is MapCreate with a log of what the kernel objects to. Requires
// Linux 7.2 (BPF_COMMON_ATTRS).
func MapCreateLog(attr *MapCreateAttr, log *CommonAttr) (*FD, error) {
	return callFDCommon(BPF_MAP_CREATE|BPF_COMMON_ATTRS, unsafe.Pointer(attr), unsafe.Sizeof(*attr), log)
}
