package ringbuf

import (
	"fmt"
	"math/bits"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sysenc"
)

// Record headers, see BPF_RINGBUF_* in include/uapi/linux/bpf.h: 32 bits of
// length and flags, 32 bits that only the kernel uses.
const (
	headerSize = 8
	busyBit    = 1 << 31 // reserved, not yet committed
	discardBit = 1 << 30 // committed, to be skipped
)

// CorruptError says that the memory of a ring buffer does not hold what the
// kernel puts there.
type CorruptError struct {
	Position uint64 // of the record, counted from the creation of the map
	Msg      string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("ring buffer: position %#x: %s", e.Position, e.Msg)
}

// ring reads the records of one ring buffer. It knows memory only, no kernel.
//
// The data area is mapped twice in a row, so that a record which wraps around
// the end is still one slice.
type ring struct {
	consumer *uint64  // shared: how far user space has read
	producer *uint64  // shared: how far the kernel has written
	data     []byte   // twice the ring
	words    []uint32 // the same
	size     uint64   // of the ring, a power of two

	next     uint64 // position of the first record not yet taken
	released uint64 // the value of *consumer
	limit    uint64 // *producer as last seen: at most size after next
	err      error  // a *CorruptError: what follows cannot be trusted

	view, copied origin // of its records
}

// newRing reads from where the last consumer of the map stopped. The slices
// start with the two positions; data is twice size long.
func newRing(consumer, producer, data []byte, size uint64) (*ring, error) {
	r := &ring{
		consumer: sysenc.View[uint64](consumer),
		producer: sysenc.View[uint64](producer),
		data:     data, words: sysenc.ViewSlice[uint32](data), size: size,
	}
	switch {
	case r.consumer == nil || r.producer == nil:
		return nil, mkerr.Errorf("positions: too short or not aligned")
	case bits.OnesCount64(size) != 1 || size < headerSize:
		return nil, mkerr.Errorf("%d bytes: not a power of two", size)
	case uint64(len(data)) != 2*size:
		return nil, mkerr.Errorf("%d bytes of data for a ring of %d", len(data), size)
	case sysenc.View[uint64](data) == nil:
		return nil, mkerr.Errorf("data: not aligned")
	}
	// Loads and stores of Go's sync/atomic are sequentially consistent, which
	// covers the acquire and release that the kernel's side asks for.
	r.next = atomic.LoadUint64(r.consumer)
	r.released = r.next
	r.limit = r.next
	return r, nil
}

// more gives the next record if another follows that was seen too: take without
// a look at the producer's position, for all records of a batch but the last.
func (r *ring) more() (b []byte, ok bool) {
	at := r.next & (r.size - 1)
	n := uint64(atomic.LoadUint32(&r.words[at/4]))
	total := (headerSize + n + 7) &^ 7
	if n >= discardBit || total >= r.limit-r.next {
		return nil, false
	}
	r.next += total
	from := at + headerSize
	return r.data[from : from+n : from+n], true
}

// take gives the next committed record; its memory is valid until release has
// passed it. ok is false if there is none now.
func (r *ring) take() (b []byte, ok bool, err error) {
	for r.written() {
		at, left := r.next&(r.size-1), r.limit-r.next
		head := atomic.LoadUint32(&r.words[at/4])
		if head&busyBit != 0 {
			return nil, false, nil
		}
		n := uint64(head &^ (busyBit | discardBit))
		total := (headerSize + n + 7) &^ 7
		if total > left {
			// The kernel moves the producer before it commits: a shorter
			// limit means the header is wrong.
			r.corrupt(fmt.Sprintf("record of %d bytes, %d written", n, left))
			break
		}
		r.next += total
		if head&discardBit != 0 {
			continue
		}
		from := at + headerSize
		return r.data[from : from+n : from+n], true, nil
	}
	return nil, false, r.err
}

// written reports whether the kernel has written anything at next.
func (r *ring) written() bool {
	if r.next == r.limit && r.err == nil {
		r.refresh()
	}
	return r.next != r.limit
}

// refresh looks how far the kernel has written. What it says must be true of a
// ring: more and take rely on it.
func (r *ring) refresh() {
	limit := atomic.LoadUint64(r.producer)
	if limit-r.next > r.size || limit != r.next && r.next%headerSize != 0 {
		r.corrupt(fmt.Sprintf("producer at %#x, in a ring of %d bytes", limit, r.size))
		return
	}
	r.limit = limit
}

func (r *ring) corrupt(msg string) {
	r.err = &CorruptError{r.next, msg}
	r.limit = r.next // nothing more to take
}

// release gives the memory of all records taken back to the kernel.
func (r *ring) release() {
	if r.released != r.next {
		atomic.StoreUint64(r.consumer, r.next)
		r.released = r.next
	}
}

// releaseLazily is release once a sixteenth of the ring would be freed: each
// release costs a locked store to a page that the kernel's producers read.
func (r *ring) releaseLazily() {
	if r.next-r.released >= r.size/16 {
		r.release()
	}
}

// ready reports whether take would give a record, skip one or fail. Everything
// taken must have been released: the kernel wakes readers only for a record at
// the consumer's position.
func (r *ring) ready() bool {
	if r.err == nil {
		r.refresh()
	}
	if r.err != nil || r.next == r.limit {
		return r.err != nil
	}
	return atomic.LoadUint32(&r.words[r.next&(r.size-1)/4])&busyBit == 0
}

// available is the number of bytes written and not yet released.
func (r *ring) available() uint64 {
	return atomic.LoadUint64(r.producer) - atomic.LoadUint64(r.consumer)
}
