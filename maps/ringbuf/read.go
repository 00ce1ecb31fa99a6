package ringbuf

import (
	"context"
	"errors"
	"iter"
	"os"
	"sync/atomic"

	"github.com/skepbpf/skep/internal/mkerr"
)

// Records gives record after record, waiting where there is none. The memory is
// the kernel's own and valid until the next step: it is given back then, a
// sixteenth of a ring at a time, and at the latest before the loop waits or when
// it ends.
//
// An error ends the loop: the cause of ctx's end, ErrClosed,
// os.ErrDeadlineExceeded or a *CorruptError. ErrFlushed alone does not: after
// Flush it marks the end of what there was, and the loop may go on.
func (r *Reader) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := r.lock(ctx); err != nil {
			yield(Record{}, err)
			return
		}
		defer r.unlock()
		defer r.release()
		w := waiter{ctx: ctx}
		r.arm(&w) // once for all records
		defer r.disarm(&w)
		for {
			for rec, ok := r.more(&w); ok; rec, ok = r.more(&w) {
				if !yield(rec, nil) {
					return
				}
			}
			rec, err := r.next(&w)
			if !yield(rec, err) || err != nil && !errors.Is(err, ErrFlushed) {
				return
			}
		}
	}
}

// Read waits for the next record and gives a copy.
func (r *Reader) Read(ctx context.Context) (Record, error) {
	var b []byte
	from, err := r.read(ctx, &b)
	return Record{b, from}, err
}

// ReadInto is Read that copies to rec's own memory as far as that goes: used
// again and again it allocates nothing. A rec from Records is given memory of
// its own.
func (r *Reader) ReadInto(ctx context.Context, rec *Record) error {
	var b []byte
	if rec.from != nil && rec.from.own {
		b = rec.b[:0]
	}
	from, err := r.read(ctx, &b)
	*rec = Record{b, from}
	return err
}

// read appends the next record to *b. What comes of an error is a copy too: its
// memory may be used again.
func (r *Reader) read(ctx context.Context, b *[]byte) (*origin, error) {
	none := &r.rings[0].copied
	if err := r.lock(ctx); err != nil {
		return none, err
	}
	defer r.unlock()
	w := waiter{ctx: ctx}
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	defer r.disarm(&w)
	rec, err := r.next(&w)
	if err != nil {
		return none, err
	}
	*b = append(*b, rec.b...)
	rg := r.rings[rec.from.ring]
	rg.release()
	return &rg.copied, nil
}

// waiter is one reader's way to hear of its context's end.
type waiter struct {
	ctx   context.Context
	armed bool
	stop  func() bool  // of the AfterFunc; nil if the context never ends
	ended *atomic.Bool // set by the AfterFunc
}

// arm makes the end of w's context wake the reader. It costs an allocation or
// two: a read that need not wait does without.
func (r *Reader) arm(w *waiter) {
	if w.armed {
		return
	}
	w.armed = true
	if w.ctx.Done() == nil {
		return
	}
	ended := new(atomic.Bool)
	w.ended = ended
	w.stop = context.AfterFunc(w.ctx, func() {
		ended.Store(true)
		r.interrupt() // a closed Reader needs no waking
	})
}

// disarm undoes arm.
func (r *Reader) disarm(w *waiter) {
	if w.stop != nil && !w.stop() {
		// AfterFunc's call has begun; take back what it does. The two may
		// come in either order.
		r.calm()
	}
}

// more is next as far as that is quick: the ring that gave the last record has
// more than one that was seen already. The turn must be the caller's.
func (r *Reader) more(w *waiter) (Record, bool) {
	if w.ended != nil && w.ended.Load() || r.gone.Load() {
		return Record{}, false
	}
	rg := r.rings[r.start]
	rg.releaseLazily()
	b, ok := rg.more()
	return Record{b, &rg.view}, ok
}

// next takes a record, waiting for it. The turn must be the caller's.
func (r *Reader) next(w *waiter) (Record, error) {
	for {
		// A loop that never waits must notice these too.
		if w.ended != nil && w.ended.Load() {
			return Record{}, context.Cause(w.ctx)
		}
		if r.gone.Load() {
			return Record{}, ErrClosed
		}
		rec, ok, err := r.take()
		if ok || err != nil {
			return rec, err
		}
		if r.flush.CompareAndSwap(true, false) {
			r.calm()
			return Record{}, ErrFlushed
		}
		if err := r.wait(w); err != nil {
			return Record{}, err
		}
	}
}

// take looks for a record in all rings, beginning with the one that gave the
// last.
func (r *Reader) take() (Record, bool, error) {
	for i := range r.rings {
		n := r.start + i
		if n >= len(r.rings) {
			n -= len(r.rings)
		}
		rg := r.rings[n]
		rg.releaseLazily()
		b, ok, err := rg.take()
		if err != nil {
			return Record{}, false, err
		}
		if ok {
			r.start = n
			if rg.next == rg.limit {
				r.start = n + 1 // drained: the next ring's turn
			}
			if r.start == len(r.rings) {
				r.start = 0
			}
			return Record{b, &rg.view}, true, nil
		}
	}
	return Record{}, false, nil
}

func (r *Reader) release() {
	for _, rg := range r.rings {
		rg.release()
	}
}

func (r *Reader) ready() bool {
	for _, rg := range r.rings {
		if rg.ready() {
			return true
		}
	}
	return false
}

// wait returns when there may be a record, or with the reason why to stop.
func (r *Reader) wait(w *waiter) error {
	// The kernel notifies only about a record at the consumer's position.
	// Both sides' accesses are sequentially consistent, so either the kernel
	// sees this position or ready sees its record.
	r.release()
	r.arm(w)
	err := r.conn.Read(r.woken)
	switch {
	case err == nil:
		return nil
	case r.gone.Load():
		return ErrClosed
	case w.ctx.Err() != nil:
		return context.Cause(w.ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		if !r.flush.Load() && r.expired() {
			return err
		}
		return nil // interrupted by Flush, or for a reason that is gone
	}
	return mkerr.Wrap("ring buffer: wait: %w", err)
}
