package sys

import (
	"errors"
	"io/fs"
)

// ErrClosed is what Borrow gives after Close. It Is fs.ErrClosed and
// os.ErrClosed.
var ErrClosed = fs.ErrClosed

// Error is a failed system call. errors.Is compares it with an errno such as
// EPERM, and with errors.ErrUnsupported; == never holds.
type Error struct {
	Call  string // "BPF_MAP_CREATE", or the name of the system call
	Errno Errno
}

func (e *Error) Error() string { return e.Call + ": " + errnoText(e.Errno) }

// Unwrap gives the errno.
func (e *Error) Unwrap() error { return e.Errno }

// Is reports ENOTSUPP, an errno of the kernel's own that user space has no name
// for, as errors.ErrUnsupported; Errno does so for ENOSYS and EOPNOTSUPP.
func (e *Error) Is(target error) bool {
	return target == errors.ErrUnsupported && e.Errno == ENOTSUPP
}

func errnoText(e Errno) string {
	if e == ENOTSUPP {
		return "operation not supported (ENOTSUPP)"
	}
	return e.Error()
}

// newError is nil for errno 0.
//
//go:noinline
func newError(call string, errno Errno) error {
	if errno == 0 {
		return nil
	}
	return &Error{call, errno}
}

// hotErrors are the answers that are part of ordinary work with a map: looking
// up what is not there, adding what is. They are made once, so that the answer
// costs no allocation.
var hotErrors = [...]struct {
	cmd Cmd
	err Error
}{
	{BPF_MAP_LOOKUP_ELEM, Error{"BPF_MAP_LOOKUP_ELEM", ENOENT}},
	{BPF_MAP_GET_NEXT_KEY, Error{"BPF_MAP_GET_NEXT_KEY", ENOENT}},
	{BPF_MAP_DELETE_ELEM, Error{"BPF_MAP_DELETE_ELEM", ENOENT}},
	{BPF_MAP_UPDATE_ELEM, Error{"BPF_MAP_UPDATE_ELEM", EEXIST}},
	{BPF_MAP_UPDATE_ELEM, Error{"BPF_MAP_UPDATE_ELEM", ENOENT}},
	{BPF_MAP_UPDATE_ELEM, Error{"BPF_MAP_UPDATE_ELEM", E2BIG}},
	{BPF_MAP_LOOKUP_AND_DELETE_ELEM, Error{"BPF_MAP_LOOKUP_AND_DELETE_ELEM", ENOENT}},
	{BPF_MAP_LOOKUP_BATCH, Error{"BPF_MAP_LOOKUP_BATCH", ENOENT}},
	{BPF_MAP_LOOKUP_AND_DELETE_BATCH, Error{"BPF_MAP_LOOKUP_AND_DELETE_BATCH", ENOENT}},
}

// cmdError is the error of a bpf command; nil for errno 0.
func cmdError(cmd Cmd, errno Errno) error {
	if errno == 0 {
		return nil
	}
	for i := range hotErrors {
		if h := &hotErrors[i]; h.cmd == cmd && h.err.Errno == errno {
			return &h.err
		}
	}
	return &Error{(cmd &^ BPF_COMMON_ATTRS).String(), errno}
}
