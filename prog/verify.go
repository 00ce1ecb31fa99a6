package prog

import (
	"errors"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/verifierlog"
)

// Sizes of the log buffer, in bytes.
const (
	firstLog = 1 << 20
	minLog   = 128 // kernels before 5.2 take no less
	// oldMaxLog is the most that kernels before 5.2 take, UINT_MAX >> 8.
	oldMaxLog = 1<<24 - 1
	// maxLog bounds the memory that a rejection may cost; what is longer is
	// cut: since Linux 6.4 at its beginning, before that at its end.
	maxLog = 1 << 28
)

// verify loads, and on failure loads again for the log. The error is the first
// one: that of a call whose log does not fit is ENOSPC, whatever the verifier
// found.
func (l *loader) verify(attr *sys.ProgLoadAttr) (*sys.FD, verifierlog.Log, error) {
	size := l.logSize()
	a := logged(attr, l.LogLevel, size)
	first := a.err
	if first == nil && !a.short() || a.err != nil && l.LogLevel != 0 && !a.short() {
		return a.fd, a.log(), first
	}
	if first == nil {
		// It loaded, but its log does not fit. Without a longer one it is
		// loaded all the same.
		if b := logged(attr, l.LogLevel, a.next(size)); b.err == nil {
			_ = a.fd.Close()
			return b.fd, b.log(), nil
		}
		return a.fd, a.log(), nil
	}
	level := max(l.LogLevel, 1)
	if l.LogLevel != 0 {
		size = a.next(size)
	}
	for {
		a = logged(attr, level, size)
		if a.err == nil {
			return a.fd, a.log(), nil
		}
		next := a.next(size)
		if !a.short() || next <= size {
			break
		}
		size = next
	}
	if errors.Is(first, sys.ENOSPC) && !errors.Is(a.err, sys.ENOSPC) {
		first = a.err // the first one was about its log
	}
	return nil, a.log(), first
}

func (l *loader) logSize() uint32 {
	if l.LogSize == 0 {
		return firstLog
	}
	return min(max(l.LogSize, minLog), maxLog)
}

// attempt is one PROG_LOAD.
type attempt struct {
	fd   *sys.FD
	err  error
	buf  []byte
	want uint32 // bytes that the whole log takes, if the kernel says (Linux 6.4)
}

// logged loads a copy of attr with a log buffer of size bytes, or none if the
// level is 0.
func logged(attr *sys.ProgLoadAttr, level, size uint32) attempt {
	with := *attr
	var a attempt
	if level != 0 {
		a.buf = make([]byte, size)
		with.LogLevel, with.LogSize, with.LogBuf = level, size, sys.BytesPtr(a.buf)
	}
	a.fd, a.err = sys.ProgLoad(&with)
	a.want = with.LogTrueSize
	return a
}

func (a *attempt) log() verifierlog.Log { return verifierlog.Parse(a.buf) }

// short reports whether the log did not fit.
func (a *attempt) short() bool {
	return len(a.buf) > 0 && (errors.Is(a.err, sys.ENOSPC) || a.want > uint32(len(a.buf)))
}

// next is the buffer to try after one of size bytes: what the kernel asked
// for, or else twice as much. It is size itself at the end.
func (a *attempt) next(size uint32) uint32 {
	switch {
	case a.want > size:
		return min(a.want, maxLog)
	case a.want != 0 || size >= maxLog:
		return size
	case size < oldMaxLog:
		return min(2*size, oldMaxLog)
	}
	return min(2*size, maxLog)
}
