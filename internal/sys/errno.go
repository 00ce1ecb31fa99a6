//go:build !plan9

package sys

import "syscall"

// Errno is an error number. On Linux it is what the kernel answered.
type Errno = syscall.Errno

// The error numbers that loaders meet. Compare with errors.Is.
const (
	E2BIG         = syscall.E2BIG
	EACCES        = syscall.EACCES
	EADDRINUSE    = syscall.EADDRINUSE
	EADDRNOTAVAIL = syscall.EADDRNOTAVAIL
	EAFNOSUPPORT  = syscall.EAFNOSUPPORT
	EALREADY      = syscall.EALREADY
	ECANCELED     = syscall.ECANCELED
	EINPROGRESS   = syscall.EINPROGRESS
	ENODATA       = Errno(61) // Linux only
	EOVERFLOW     = syscall.EOVERFLOW
	EAGAIN        = syscall.EAGAIN
	EBADF         = syscall.EBADF
	EBADMSG       = Errno(74) // Linux's number
	EBUSY         = syscall.EBUSY
	ECHILD        = syscall.ECHILD
	EDOM          = syscall.EDOM
	EEXIST        = syscall.EEXIST
	EFAULT        = syscall.EFAULT
	EFBIG         = syscall.EFBIG
	EILSEQ        = syscall.EILSEQ
	EINTR         = syscall.EINTR
	EINVAL        = syscall.EINVAL
	EIO           = syscall.EIO
	EISDIR        = syscall.EISDIR
	ELOOP         = syscall.ELOOP
	EMFILE        = syscall.EMFILE
	EMSGSIZE      = syscall.EMSGSIZE
	ENAMETOOLONG  = syscall.ENAMETOOLONG
	ENETDOWN      = syscall.ENETDOWN
	ENFILE        = syscall.ENFILE
	ENOBUFS       = syscall.ENOBUFS
	ENODEV        = syscall.ENODEV
	ENOENT        = syscall.ENOENT
	ENOLINK       = syscall.ENOLINK
	EKEYEXPIRED   = Errno(127) // Linux only
	EKEYREJECTED  = Errno(129) // Linux only
	EKEYREVOKED   = Errno(128) // Linux only
	ENOKEY        = Errno(126) // Linux only
	ENOPKG        = Errno(65)  // Linux only
	ENOMEM        = syscall.ENOMEM
	ENOSPC        = syscall.ENOSPC
	ENOSYS        = syscall.ENOSYS
	ENOTDIR       = syscall.ENOTDIR
	ENOTEMPTY     = syscall.ENOTEMPTY
	ENOTSUP       = syscall.ENOTSUP
	ENOTTY        = syscall.ENOTTY
	ENXIO         = syscall.ENXIO
	EOPNOTSUPP    = syscall.EOPNOTSUPP
	EPERM         = syscall.EPERM
	EPIPE         = syscall.EPIPE
	EPROTO        = syscall.EPROTO
	ERANGE        = syscall.ERANGE
	EROFS         = syscall.EROFS
	ESRCH         = syscall.ESRCH
	ESTALE        = syscall.ESTALE
	ETIMEDOUT     = syscall.ETIMEDOUT
	EUCLEAN       = Errno(117) // Linux only
	EXDEV         = syscall.EXDEV
	ENOTSUPP      = Errno(524) // include/linux/errno.h; not a uapi number, yet bpf(2) returns it
)
