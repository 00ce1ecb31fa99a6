package prog

import (
	"errors"
	"io"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// Stream reads what a program wrote with the kernel function
// bpf_stream_vprintk, and what the kernel reports there of faults at run time.
// Each byte is given once, to whichever reader comes first. The kernel keeps at
// most 100,000 bytes of each stream; what comes on top of them it drops.
type Stream struct {
	p  *Program
	id uint32
}

// Stdout is the program's output. Requires Linux 6.17.
func (p *Program) Stdout() *Stream { return &Stream{p, sys.BPF_STREAM_STDOUT} }

// Stderr is the program's errors: what it wrote there itself, and the kernel's
// reports of accesses to arena pages that are not there, of loops that may_goto
// ended, and of deadlocks of spin locks. Requires Linux 6.17.
func (p *Program) Stderr() *Stream { return &Stream{p, sys.BPF_STREAM_STDERR} }

// Read gives what there is. It does not wait: io.EOF says that there is nothing
// for now, and a later Read may give more.
func (s *Stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	b = b[:min(len(b), 1<<30)] // the kernel counts in an int
	var n int
	err := s.p.with("stream", func(fd int) (err error) {
		n, err = sys.StreamRead(&sys.ProgStreamReadAttr{
			StreamBuf: sys.BytesPtr(b), StreamBufLen: uint32(len(b)), StreamId: s.id, ProgFd: uint32(fd),
		})
		if errors.Is(err, sys.EINVAL) {
			// A kernel that knows the command has nothing to object to.
			return &feature.UnsupportedError{Name: "program streams", Since: "6.17"}
		}
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case n <= 0:
		return 0, io.EOF
	}
	return min(n, len(b)), nil
}
