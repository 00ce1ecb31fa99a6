// Package sys is the one room in which skep talks to the kernel: bpf(2),
// perf_event_open(2), ioctl, mmap, epoll, netlink sockets and mount
// descriptors. No other package of the library imports x/sys or syscall.
//
// It holds no policy and no fallback: one function per command, a struct in, a
// descriptor or an error out. Structs and constants are generated (z*.go) and
// keep the names of the kernel's uapi headers, so that they can be looked up
// there. Only this package carries build tags: off Linux every function gives
// an error that Is errors.ErrUnsupported.
//
// # Pointers
//
// An attribute is a Go struct whose pointers are of type Pointer: unsafe
// pointers, so the garbage collector sees what they refer to and adjusts them
// when a stack moves. The address of the attribute becomes an integer only in
// the argument list of the system call itself, which keeps the attribute, and
// through it all it points to, alive and in place until the kernel returns.
package sys

//go:generate go run ../cmd/gensys -in ../cmd/gensys/uapi -out .
