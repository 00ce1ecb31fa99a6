package ringbuf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/maps"
)

// ringMap makes a ring buffer.
func ringMap(t testing.TB, size int) *maps.Map {
	t.Helper()
	testutil.NeedRoot(t)
	testutil.Require(t, "5.8")
	m, err := maps.New(&maps.Spec{Name: "ring", Type: maps.RingBuf, MaxEntries: uint32(size)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// producer is a socket filter that writes the first eight bytes of its packet,
// a number, to a ring.
type producer struct {
	t    testing.TB
	prog *sys.FD
}

// newProducer builds the program; size is that of its records, of which all but
// the number is zero; drop makes it discard them.
func newProducer(t testing.TB, m *maps.Map, size int32, drop bool) *producer {
	t.Helper()
	fd, err := m.MapFD().Borrow()
	if err != nil {
		t.Fatal(err)
	}
	defer m.MapFD().Release()
	end := asm.FuncID(sys.BPF_FUNC_ringbuf_submit)
	if drop {
		end = asm.FuncID(sys.BPF_FUNC_ringbuf_discard)
	}
	ins, err := asm.Assemble(
		asm.MovReg(asm.R6, asm.R1),
		asm.LoadMapFD(asm.R1, int32(fd)),
		asm.Mov(asm.R2, size),
		asm.Mov(asm.R3, 0),
		asm.Call(asm.FuncID(sys.BPF_FUNC_ringbuf_reserve)),
		asm.JumpIf(asm.JEq, asm.R0, 0, "full"),
		asm.MovReg(asm.R7, asm.R0),
		asm.MovReg(asm.R1, asm.R6),
		asm.Mov(asm.R2, 0),
		asm.MovReg(asm.R3, asm.R7),
		asm.Mov(asm.R4, 8),
		asm.Call(asm.FuncID(sys.BPF_FUNC_skb_load_bytes)),
		asm.MovReg(asm.R1, asm.R7),
		asm.Mov(asm.R2, 0),
		asm.Call(end),
		asm.Mov(asm.R0, 1),
		asm.Exit(),
		asm.Label("full"),
		asm.Mov(asm.R0, 0),
		asm.Exit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	code, err := ins.AppendEncode(nil, binary.NativeEndian)
	if err != nil {
		t.Fatal(err)
	}
	log := make([]byte, 1<<16)
	prog, err := sys.ProgLoad(&sys.ProgLoadAttr{
		ProgType: sys.BPF_PROG_TYPE_SOCKET_FILTER, Insns: sys.BytesPtr(code), InsnCnt: uint32(len(code) / 8),
		License: sys.StringPtr("GPL"), LogBuf: sys.BytesPtr(log), LogSize: uint32(len(log)), LogLevel: 1,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, sys.NameString(log))
	}
	t.Cleanup(func() { prog.Close() })
	return &producer{t, prog}
}

// emit writes record n, repeat times; false means that one found the ring full.
func (p *producer) emit(n uint64, repeat uint32) bool {
	fd, err := p.prog.Borrow()
	if err != nil {
		p.t.Error(err)
		return false
	}
	defer p.prog.Release()
	// A socket filter sees the packet without its 14 bytes of Ethernet.
	packet := binary.NativeEndian.AppendUint64(make([]byte, 14, 64), n)
	packet = packet[:64]
	attr := sys.ProgTestRunAttr{
		ProgFd: uint32(fd), DataIn: sys.BytesPtr(packet), DataSizeIn: uint32(len(packet)), Repeat: repeat,
	}
	if err := sys.ProgTestRun(&attr); err != nil {
		p.t.Error(err)
	}
	return attr.Retval == 1
}

// emitLater writes record n when a reader has had the time to wait for it.
func (p *producer) emitLater(n uint64) *sync.WaitGroup {
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(20 * time.Millisecond)
		p.emit(n, 1)
	})
	return &wg
}

func newReader(t testing.TB, ms ...*maps.Map) *Reader {
	t.Helper()
	r, err := NewReader(ms...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

type event struct {
	N uint64
	_ [8]byte
}

// within fails the test if f takes longer than a wait that works ever does, on
// an emulated machine too.
func within(t testing.TB, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		buf := make([]byte, 1<<16)
		t.Fatalf("nobody woke up\n%s", buf[:runtime.Stack(buf, true)])
	}
}

func TestRecordsInOrder(t *testing.T) {
	m := ringMap(t, 4096)
	systest.CheckLeaks(t, systest.Watch{})
	r := newReader(t, m)
	p := newProducer(t, m, 16, false)
	const n = 5000
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for i := uint64(0); i < n && !t.Failed(); {
			if p.emit(i, 1) {
				i++
			} else {
				runtime.Gosched()
			}
		}
	})
	within(t, func() {
		next := uint64(0)
		for rec, err := range r.Records(t.Context()) {
			if err != nil {
				t.Error(err)
				return
			}
			ev, err := As[event](rec)
			if err != nil || ev.N != next || rec.Ring() != 0 {
				t.Errorf("record %d is %v of ring %d, %v", next, ev, rec.Ring(), err)
				return
			}
			if next++; next == n {
				break
			}
		}
	})
	if got := r.AvailableBytes(); got != 0 {
		t.Errorf("%d bytes not given back", got)
	}
	if r.BufferSize() != 4096 {
		t.Errorf("size %d", r.BufferSize())
	}
}

func TestDiscardedRecordsAreSkipped(t *testing.T) {
	m := ringMap(t, 4096)
	r := newReader(t, m)
	no, yes := newProducer(t, m, 16, true), newProducer(t, m, 24, false)
	no.emit(1, 3)
	yes.emit(2, 1)
	no.emit(3, 1)
	rec, err := r.Read(t.Context())
	if err != nil || binary.NativeEndian.Uint64(rec.Bytes()) != 2 || len(rec.Bytes()) != 24 {
		t.Errorf("% x, %v", rec.Bytes(), err)
	}
	r.SetDeadline(time.Now().Add(-time.Second))
	if _, err := r.Read(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if got := r.AvailableBytes(); got != 0 {
		t.Errorf("%d bytes left", got)
	}
}

func TestSeveralRings(t *testing.T) {
	a, b := ringMap(t, 4096), ringMap(t, 8192)
	r := newReader(t, a, b)
	pa, pb := newProducer(t, a, 8, false), newProducer(t, b, 8, false)
	for i := range uint64(10) {
		pa.emit(i, 1)
		pb.emit(100+i, 1)
	}
	var got [2][]uint64
	within(t, func() {
		for range 20 {
			rec, err := r.Read(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			got[rec.Ring()] = append(got[rec.Ring()], binary.NativeEndian.Uint64(rec.Bytes()))
		}
	})
	for i := range 10 {
		if got[0][i] != uint64(i) || got[1][i] != uint64(100+i) {
			t.Fatalf("%v", got)
		}
	}
	// A wait sees both.
	for _, p := range []*producer{pb, pa} {
		late := p.emitLater(7)
		within(t, func() {
			if _, err := r.Read(t.Context()); err != nil {
				t.Error(err)
			}
		})
		late.Wait()
	}
}

func TestWaitsEnd(t *testing.T) {
	m := ringMap(t, 4096)
	p := newProducer(t, m, 8, false)
	errWhy := errors.New("why")
	for _, tt := range []struct {
		name string
		wake func(r *Reader, cancel context.CancelCauseFunc)
		want error
		open bool // the reader can go on
	}{
		{"Close", func(r *Reader, _ context.CancelCauseFunc) { r.Close() }, ErrClosed, false},
		{"context", func(_ *Reader, cancel context.CancelCauseFunc) { cancel(errWhy) }, errWhy, true},
		{"deadline", func(r *Reader, _ context.CancelCauseFunc) { r.SetDeadline(time.Now()) }, os.ErrDeadlineExceeded, true},
		{"Flush", func(r *Reader, _ context.CancelCauseFunc) { r.Flush() }, ErrFlushed, true},
	} {
		for _, early := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/early=%v", tt.name, early), func(t *testing.T) {
				systest.CheckLeaks(t, systest.Watch{})
				r := newReader(t, m)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if early {
					tt.wake(r, cancel)
					tt.wake(r, cancel) // as good as once
				} else {
					time.AfterFunc(20*time.Millisecond, func() { tt.wake(r, cancel) })
				}
				within(t, func() {
					var rec Record
					if err := r.ReadInto(ctx, &rec); !errors.Is(err, tt.want) {
						t.Errorf("got %v, want %v", err, tt.want)
					}
				})
				if !tt.open {
					if _, err := r.Read(t.Context()); !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					if r.AvailableBytes() != 0 {
						t.Error("available after Close")
					}
					return
				}
				r.SetDeadline(time.Time{})
				late := p.emitLater(5)
				defer late.Wait()
				within(t, func() {
					if rec, err := r.Read(t.Context()); err != nil || rec.Bytes()[0] == 0 && rec.Bytes()[7] == 0 {
						t.Errorf("afterwards: %v, %v", rec.Bytes(), err)
					}
				})
			})
		}
	}
}

func TestFlushMarksTheEndOfABatch(t *testing.T) {
	m := ringMap(t, 4096)
	r := newReader(t, m)
	p := newProducer(t, m, 8, false)
	p.emit(1, 3)
	r.Flush()
	var got []string
	within(t, func() {
		for rec, err := range r.Records(t.Context()) {
			switch {
			case errors.Is(err, ErrFlushed) && len(got) == 3:
				got = append(got, "flushed")
				p.emit(2, 1)
			case err != nil:
				t.Error(err)
			default:
				got = append(got, fmt.Sprint(binary.NativeEndian.Uint64(rec.Bytes())))
			}
			if len(got) == 5 {
				break
			}
		}
	})
	if s := fmt.Sprint(got); s != "[1 1 1 flushed 2]" {
		t.Error(s)
	}
}

// TestCloseBesideRecords closes while a body still reads the kernel's memory.
func TestCloseBesideRecords(t *testing.T) {
	m := ringMap(t, 4096)
	p := newProducer(t, m, 64, false)
	systest.CheckLeaks(t, systest.Watch{})
	for range 20 {
		r := newReader(t, m)
		p.emit(9, 1)
		within(t, func() {
			steps := 0
			for rec, err := range r.Records(t.Context()) {
				if steps++; steps == 2 {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				var wg sync.WaitGroup
				wg.Go(func() { r.Close() })
				wg.Wait()
				if binary.NativeEndian.Uint64(rec.Bytes()) != 9 {
					t.Error("memory is gone")
				}
			}
		})
	}
}

func TestConcurrentReaders(t *testing.T) {
	m := ringMap(t, 1<<16)
	r := newReader(t, m)
	p := newProducer(t, m, 8, false)
	const n = 2000
	var mu sync.Mutex
	seen := map[uint64]int{}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 3 {
		wg.Go(func() {
			for {
				rec, err := r.Read(ctx)
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				seen[binary.NativeEndian.Uint64(rec.Bytes())]++
				if len(seen) == n {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	for i := uint64(0); i < n; {
		if p.emit(i, 1) {
			i++
		}
	}
	within(t, wg.Wait)
	for i := range uint64(n) {
		if seen[i] != 1 {
			t.Fatalf("record %d seen %d times", i, seen[i])
		}
	}
}

func TestReaderGoesOnWhereTheLastStopped(t *testing.T) {
	m := ringMap(t, 4096)
	p := newProducer(t, m, 8, false)
	for i := range uint64(3) {
		p.emit(i, 1)
	}
	for i := range uint64(3) {
		r := newReader(t, m)
		for rec, err := range r.Records(t.Context()) {
			if err != nil || binary.NativeEndian.Uint64(rec.Bytes()) != i {
				t.Errorf("% x, %v", rec.Bytes(), err)
			}
			break
		}
		r.Close()
	}
}

func TestAs(t *testing.T) {
	m := ringMap(t, 4096)
	r := newReader(t, m)
	newProducer(t, m, 12, false).emit(1, 1)
	rec, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v, err := As[[3]uint32](rec); err != nil || v[2] != 0 {
		t.Error(v, err)
	}
	if v, err := As[uint64](rec); err != nil || *v != 1 {
		t.Error("after another type", v, err)
	}
	for range 2 { // the second time, its type is known
		if _, err := As[event](rec); err == nil || err.Error() != "ring buffer record: 12 bytes are too short for ringbuf.event, which has 16" {
			t.Error("too short:", err)
		}
	}
	if _, err := As[struct{ P *int }](rec); err == nil {
		t.Error("a pointer")
	}
	if _, err := As[uint64](Record{b: rec.b[1:]}); err == nil {
		t.Error("not aligned")
	}
	if _, err := As[uint64](Record{}); err == nil {
		t.Error("empty")
	}
}

func TestNewReaderRefuses(t *testing.T) {
	m := ringMap(t, 4096)
	systest.CheckLeaks(t, systest.Watch{})
	other, err := maps.New(&maps.Spec{Name: "arr", Type: maps.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := NewReader(); err == nil {
		t.Error("no maps")
	}
	if _, err := NewReader(m, other); err == nil || err.Error() != "map arr: ring buffer: the map is a Array" {
		t.Error(err)
	}
	second := ringMap(t, 4096)
	systest.EachFault(t, systest.Faults{}, func(t *testing.T, in *systest.Injector) {
		r, err := NewReader(m, second)
		in.Judge(t, err)
		if (err != nil) != (in.Fired() > 0) {
			t.Errorf("%v with %s failing", err, in.Victim())
		}
		r.Close()
	})
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	m := ringMap(t, 1<<16)
	r := newReader(t, m)
	p := newProducer(t, m, 16, false)
	var rec Record
	for _, tt := range []struct {
		name string
		op   func()
	}{
		{"ReadInto", func() { p.emit(1, 1); r.ReadInto(t.Context(), &rec) }},
		{"As", func() { p.emit(1, 1); r.ReadInto(t.Context(), &rec); As[event](rec) }},
	} {
		base := testing.AllocsPerRun(100, func() { p.emit(1, 1) })
		for r.AvailableBytes() > 0 {
			r.ReadInto(t.Context(), &rec)
		}
		if n := testing.AllocsPerRun(100, tt.op) - base; n > 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
	p.emit(1, 1000)
	count := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for rec, err := range r.Records(t.Context()) {
		if ev, err2 := As[event](rec); err != nil || err2 != nil || ev.N != 1 {
			t.Fatal(err, err2)
		}
		if count++; count == 1000 {
			break
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 100 {
		t.Errorf("%d allocations for 1000 records", n)
	}
}

func BenchmarkRecords(b *testing.B) {
	m := ringMap(b, 1<<20)
	r := newReader(b, m)
	p := newProducer(b, m, 56, false)
	b.ReportAllocs()
	const n = 10000
	for b.Loop() {
		b.StopTimer()
		p.emit(1, n)
		b.StartTimer()
		left := n
		for rec, err := range r.Records(b.Context()) {
			if ev, err2 := As[event](rec); err != nil || err2 != nil || ev.N != 1 {
				b.Fatal(err, err2)
			}
			if left--; left == 0 {
				break
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}

func BenchmarkReadInto(b *testing.B) {
	m := ringMap(b, 1<<20)
	r := newReader(b, m)
	p := newProducer(b, m, 56, false)
	b.ReportAllocs()
	const n = 10000
	var rec Record
	for b.Loop() {
		b.StopTimer()
		p.emit(1, n)
		b.StartTimer()
		for range n {
			if err := r.ReadInto(b.Context(), &rec); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
}
