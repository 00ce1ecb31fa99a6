// Package ringbuf reads BPF ring buffers (maps of type RingBuf, Linux 5.8).
//
// A Reader takes the records of one or several ring buffers. It waits in Go's
// network poller: no thread is parked, and deadlines, contexts and Close end a
// wait at once. Records gives the kernel's own memory without a copy; Read and
// ReadInto copy.
package ringbuf

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/maps"
)

// ErrFlushed is what a read gives after Flush, once all that was there has been
// read.
var ErrFlushed = errors.New("ring buffer: flushed")

// ErrClosed is what a read gives after Close. It is os.ErrClosed.
var ErrClosed = os.ErrClosed

// Reader reads ring buffers. Its methods may be called from many goroutines;
// reads take turns. A read within the loop body of the same Reader's Records
// waits for ever.
type Reader struct {
	rings []*ring
	sizes int

	poll  *os.File // epoll descriptor of all rings, in Go's poller
	conn  rawConn
	woken func(uintptr) bool // made once: a wait allocates nothing
	turn  chan struct{}      // holds a token while somebody reads
	plain plainTypes

	// The mappings stay until Close and the last user are both done.
	mu       sync.Mutex
	users    int
	closed   bool
	gone     atomic.Bool   // closed, for those who do not hold mu
	done     chan struct{} // closed by Close
	mappings []*sys.Mapping

	flush atomic.Bool

	// deadline is what SetDeadline asked for; interrupts is the number of
	// reasons to wake the waiting reader before it.
	dmu        sync.Mutex
	deadline   time.Time
	interrupts int

	start int // ring to look at first, so that none starves
}

// rawConn is the part of syscall.RawConn that a Reader uses.
type rawConn interface {
	Read(func(uintptr) bool) error
}

// NewReader reads the ring buffers ms, which may be closed afterwards. If
// another reader has been there before, it goes on where that one stopped; two
// at once on one map take each other's records. The caller must close the
// Reader. Requires Linux 5.8.
func NewReader(ms ...*maps.Map) (*Reader, error) {
	r := &Reader{turn: make(chan struct{}, 1), done: make(chan struct{})}
	if len(ms) == 0 {
		return nil, errors.New("ring buffer: no map to read")
	}
	if err := r.open(ms); err != nil {
		r.unmap()
		return nil, err
	}
	return r, nil
}

func (r *Reader) open(ms []*maps.Map) error {
	for _, m := range ms {
		if err := r.add(m); err != nil {
			return mkerr.WrapNamed("map %s: ring buffer: %w", m.Name(), err)
		}
	}
	epoll, err := sys.EpollCreate()
	if err != nil {
		return mkerr.Wrap("ring buffer: %w", err)
	}
	defer epoll.Close()
	for i, m := range ms {
		if err := watch(epoll, m.MapFD(), int32(i)); err != nil {
			return mkerr.WrapNamed("map %s: ring buffer: %w", m.Name(), err)
		}
	}
	if r.poll, err = pollable(epoll); err != nil {
		return err
	}
	r.woken = func(uintptr) bool { return r.ready() || r.flush.Load() }
	r.conn, err = r.poll.SyscallConn()
	return err
}

// add maps one ring buffer into memory.
func (r *Reader) add(m *maps.Map) error {
	switch {
	case m.Type() != maps.RingBuf:
		return mkerr.Errorf("the map is a %v", m.Type())
	case m.Flags()&maps.RBOverwrite != 0:
		return mkerr.Wrap("the kernel overwrites what is not read yet: %w", errors.ErrUnsupported)
	}
	page, size := os.Getpagesize(), uint64(m.MaxEntries())
	if length := uint64(page) + 2*size; uint64(int(length)) != length || int(length) < 0 {
		return mkerr.Errorf("%d bytes do not fit into the address space", size)
	}
	// Page 0 belongs to the consumer; what follows, the producer's page and
	// the data, can only be mapped for reading (kernel/bpf/ringbuf.c).
	cons, err := sys.Mmap(m.MapFD(), 0, page, sys.PROT_READ|sys.PROT_WRITE, sys.MAP_SHARED)
	if err != nil {
		return err
	}
	r.mappings = append(r.mappings, cons)
	prod, err := sys.Mmap(m.MapFD(), int64(page), page+2*int(size), sys.PROT_READ, sys.MAP_SHARED)
	if err != nil {
		return err
	}
	r.mappings = append(r.mappings, prod)
	rg, err := newRing(cons.Bytes(), prod.Bytes(), prod.Bytes()[page:], size)
	if err != nil {
		return err
	}
	n := len(r.rings)
	rg.view, rg.copied = origin{false, n, &r.plain}, origin{true, n, &r.plain}
	r.rings = append(r.rings, rg)
	r.sizes += int(size)
	return nil
}

func watch(epoll, ring *sys.FD, key int32) error {
	e, err := epoll.Borrow()
	if err != nil {
		return err
	}
	defer epoll.Release()
	fd, err := ring.Borrow()
	if err != nil {
		return err
	}
	defer ring.Release()
	return sys.EpollAdd(e, fd, sys.EPOLLIN, key)
}

// pollable hands a copy of epoll to Go's poller, which watches descriptors that
// do not block.
func pollable(epoll *sys.FD) (*os.File, error) {
	dup, err := epoll.Dup()
	if err != nil {
		return nil, mkerr.Wrap("ring buffer: %w", err)
	}
	raw, err := dup.Detach()
	if err != nil {
		dup.Close()
		return nil, mkerr.Wrap("ring buffer: %w", err)
	}
	if err := sys.SetNonblock(raw, true); err != nil {
		os.NewFile(uintptr(raw), "ringbuf").Close()
		return nil, mkerr.Wrap("ring buffer: %w", err)
	}
	f := os.NewFile(uintptr(raw), "ringbuf")
	// A deadline is possible only if the poller took the descriptor.
	if err := f.SetReadDeadline(time.Time{}); err != nil {
		f.Close()
		return nil, mkerr.Wrap("ring buffer: wait: %w", err)
	}
	return f, nil
}

// BufferSize is the size of all ring buffers together, in bytes.
func (r *Reader) BufferSize() int { return r.sizes }

// AvailableBytes is how many bytes were written and not yet given back, record
// headers included; 0 after Close.
func (r *Reader) AvailableBytes() int {
	if !r.enter() {
		return 0
	}
	defer r.leave()
	n := 0
	for _, rg := range r.rings {
		n += int(min(rg.available(), rg.size))
	}
	return n
}

// SetDeadline makes reads that wait at t or later give os.ErrDeadlineExceeded;
// the zero time is no deadline. Records that are there are read in any case.
func (r *Reader) SetDeadline(t time.Time) error {
	r.dmu.Lock()
	defer r.dmu.Unlock()
	r.deadline = t
	return r.apply()
}

// Flush ends the wait of a read, or of the next that would have to wait: it
// gives ErrFlushed once all records have been read.
func (r *Reader) Flush() error {
	if r.flush.CompareAndSwap(false, true) {
		return r.interrupt() // next calms down
	}
	return nil
}

// apply sets the poller's deadline. dmu must be held.
func (r *Reader) apply() error {
	t := r.deadline
	if r.interrupts > 0 {
		t = time.Unix(1, 0)
	}
	return r.poll.SetReadDeadline(t)
}

func (r *Reader) expired() bool {
	r.dmu.Lock()
	defer r.dmu.Unlock()
	return !r.deadline.IsZero() && !time.Now().Before(r.deadline)
}

// interrupt wakes the waiting reader; calm must follow.
func (r *Reader) interrupt() error {
	r.dmu.Lock()
	defer r.dmu.Unlock()
	r.interrupts++
	return r.apply()
}

func (r *Reader) calm() {
	r.dmu.Lock()
	defer r.dmu.Unlock()
	r.interrupts--
	r.apply() // a closed file is found by the next wait
}

// Close ends all reads with ErrClosed. Memory that the body of a Records loop
// still uses stays until that step ends. It is safe to call more than once, and
// on nil.
func (r *Reader) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	r.gone.Store(true)
	last := r.users == 0
	close(r.done)
	r.mu.Unlock()
	err := r.poll.Close()
	if last {
		err = errors.Join(err, r.unmap())
	}
	return err
}

// enter keeps the mappings until leave. It is false after Close.
func (r *Reader) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.users++
	return true
}

func (r *Reader) leave() {
	r.mu.Lock()
	r.users--
	last := r.closed && r.users == 0
	r.mu.Unlock()
	if last {
		r.unmap() // munmap of a whole mapping cannot fail
	}
}

func (r *Reader) unmap() error {
	var errs []error
	for _, m := range r.mappings {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// lock waits for the caller's turn to read.
func (r *Reader) lock(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
	default:
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.done:
			return ErrClosed
		}
	}
	if !r.enter() {
		<-r.turn
		return ErrClosed
	}
	return nil
}

func (r *Reader) unlock() {
	r.leave()
	<-r.turn
}
