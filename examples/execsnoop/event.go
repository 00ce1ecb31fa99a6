package main

// The records of execsnoop.bpf.c. Layouts are C's: no hidden padding.

const (
	kindExec = 1
	kindExit = 2
)

type header struct {
	Kind  uint32
	PID   uint32
	KTime uint64 // CLOCK_MONOTONIC, nanoseconds
	PPID  uint32
	UID   uint32
	Comm  [16]byte
}

type execEvent struct {
	header
	ArgsLen   uint32 // bytes used in Args
	ArgsTotal uint32 // bytes of the whole argument area
	Args      [496]byte
}

type exitEvent struct {
	header
	ExitCode int32 // as wait(2) reports it
	_        uint32
	Duration uint64 // nanoseconds since exec; 0 if that was not seen
}
