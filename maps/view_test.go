package maps

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sysenc"
	"github.com/skepbpf/skep/internal/testutil"
)

type pair struct {
	A uint32
	_ [4]byte // a 386 would not leave this gap by itself
	B uint64
}

func TestTypedIsCheckedAgainstBTF(t *testing.T) {
	needKernel(t)
	types := blob(t)
	m := mustNew(t, &Spec{Name: "m", Type: Hash, KeySize: 4, ValueSize: 16, MaxEntries: 4, Types: types, Key: 1, Value: 3}, nil)
	v, err := Typed[uint32, pair](m)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Checked() {
		t.Error("not checked")
	}
	type swapped struct {
		B uint64
		A uint32
	}
	_, err = Typed[uint32, swapped](m)
	var le *LayoutError
	if !errors.As(err, &le) || le.Path != "B" {
		t.Errorf("got %v", err)
	}
	for what, err := range map[string]error{
		"key":     second(Typed[uint64, pair](m)),
		"pointer": second(Typed[uint32, *pair](m)),
		"slice":   second(Typed[uint32, []pair](m)),
		"int":     second(Typed[int, pair](m)),
		"string":  second(Typed[uint32, string](m)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "map m: typed view: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Somebody who only has the id reads the BTF back from the kernel.
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	other, err := FromID(info.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := Typed[uint32, swapped](other); !errors.As(err, &le) {
		t.Errorf("by id: %v", err)
	}
	if v, err := Typed[uint32, pair](other); err != nil || !v.Checked() {
		t.Errorf("by id: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestViewOps(t *testing.T) {
	needKernel(t)
	m := mustNew(t, &Spec{Type: Hash, KeySize: 16, ValueSize: 16, MaxEntries: 4}, nil)
	v, err := Typed[pair, pair](m)
	if err != nil {
		t.Fatal(err)
	}
	// Keys are equal though the bytes between their fields are not.
	dirty := func(fill byte) pair {
		k := pair{A: 1, B: 2}
		b := sysenc.Bytes(&k)
		for i := 4; i < 8; i++ {
			b[i] = fill
		}
		return k
	}
	want := pair{A: 3, B: 4}
	if err := v.Update(dirty(0xff), &want); err != nil {
		t.Fatal(err)
	}
	var got pair
	if err := v.Lookup(dirty(0), &got); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if err := v.Store(pair{A: 1, B: 2}, &want, NoExist); err != ErrKeyExist {
		t.Error(err)
	}
	if err := v.Put(pair{A: 5, B: 6}, pair{A: 7, B: 8}); err != nil {
		t.Error(err)
	}
	if err := v.LookupAndDelete(pair{A: 5, B: 6}, &got); !testutil.KernelAtLeast(t, "5.14") {
		if !isErrno(err, sys.ENOTSUPP) {
			t.Error(err)
		}
	} else if err != nil || got != (pair{A: 7, B: 8}) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := v.Delete(pair{A: 1, B: 2}); err != nil {
		t.Error(err)
	}
	if err := v.Delete(pair{A: 1, B: 2}); err != ErrKeyNotExist {
		t.Error(err)
	}
	if v.Map() != m {
		t.Error("another map")
	}
}

func TestViewPerCPU(t *testing.T) {
	needKernel(t)
	for _, typ := range []Type{PerCPUArray, PerCPUHash, LRUPerCPUHash} {
		t.Run(typ.String(), func(t *testing.T) {
			m := mustNew(t, &Spec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 64}, nil)
			v, err := Typed[uint32, []uint32](m)
			if err != nil {
				t.Fatal(err)
			}
			n, err := m.cpus()
			if err != nil {
				t.Fatal(err)
			}
			vals := make([]uint32, n)
			for i := range vals {
				vals[i] = uint32(100 + i)
			}
			if err := v.Update(3, &vals); err != nil {
				t.Fatal(err)
			}
			var got []uint32
			if err := v.Lookup(3, &got); err != nil || cmp.Diff(vals, got) != "" {
				t.Errorf("%v, %v", got, err)
			}
			if len(got) > 0 {
				was := &got[0]
				if err := v.Lookup(3, &got); err != nil || &got[0] != was {
					t.Errorf("the slice was not used again, %v", err)
				}
			}
			short := vals[:n-1]
			if err := v.Update(3, &short); !errors.Is(err, errCPUs) {
				t.Error(err)
			}
			seen := 0
			p := v.Iterate()
			for k, per := range p.All() {
				if k == 3 {
					seen++
					if d := cmp.Diff(vals, per); d != "" {
						t.Error(d)
					}
				}
			}
			if seen != 1 || p.Err() != nil {
				t.Errorf("seen %d times, %v", seen, p.Err())
			}
			if _, err := Typed[uint32, uint32](m); err == nil || !strings.Contains(err.Error(), "use []uint32") {
				t.Error(err)
			}
		})
	}
}

func TestViewAllocatesNothing(t *testing.T) {
	needKernel(t)
	m := mustNew(t, &Spec{Type: Hash, KeySize: 16, ValueSize: 16, MaxEntries: 4}, nil)
	v, err := Typed[pair, pair](m)
	if err != nil {
		t.Fatal(err)
	}
	pc := mustNew(t, &Spec{Type: PerCPUArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
	pv, err := Typed[uint32, []uint32](pc)
	if err != nil {
		t.Fatal(err)
	}
	var per []uint32
	if err := pv.Lookup(0, &per); err != nil {
		t.Fatal(err)
	}
	key, val := make([]byte, 16), make([]byte, 16)
	for _, tt := range []struct {
		name string
		op   func()
	}{
		{"Update", func() { val := pair{A: 3, B: 4}; v.Update(pair{A: 1, B: 2}, &val) }},
		{"Put", func() { v.Put(pair{A: 1, B: 2}, pair{A: 3, B: 4}) }},
		{"Lookup", func() { var out pair; v.Lookup(pair{A: 1, B: 2}, &out) }},
		{"miss", func() { var out pair; v.Lookup(pair{A: 9, B: 2}, &out) }},
		{"Delete", func() { v.Delete(pair{A: 9, B: 2}) }},
		{"raw Lookup", func() { m.Lookup(key, val, Any) }},
		{"per-CPU Lookup", func() { pv.Lookup(0, &per) }},
		{"per-CPU Update", func() { pv.Update(0, &per) }},
	} {
		if n := testing.AllocsPerRun(200, tt.op); n != 0 && !raceEnabled {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

func fillHash(t testing.TB, typ Type, n uint32) *View[uint32, uint32] {
	t.Helper()
	s := &Spec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: n}
	m := mustNew(t, s, nil)
	v, err := Typed[uint32, uint32](m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := v.Put(i, i+1); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// walks are the two ways of Pass.All.
var walks = map[string]func(*Pass[uint32, uint32], func(uint32, uint32) bool){
	"batches": func(p *Pass[uint32, uint32], yield func(uint32, uint32) bool) { p.All()(yield) },
	"steps": func(p *Pass[uint32, uint32], yield func(uint32, uint32) bool) {
		w := walker{m: p.v.m, give: func(k, v []byte) bool { return p.v.give(k, v, yield) }}
		w.steps()
		p.err = w.err
	},
}

func TestIterate(t *testing.T) {
	needKernel(t)
	for name, walk := range walks {
		for _, typ := range []Type{Hash, Array, LRUHash} {
			t.Run(name+"/"+typ.String(), func(t *testing.T) {
				const n = 1000
				v := fillHash(t, typ, n)
				seen := map[uint32]int{}
				p := v.Iterate()
				walk(p, func(k, val uint32) bool {
					if val != k+1 {
						t.Errorf("value %d of key %d", val, k)
					}
					seen[k]++
					return true
				})
				if p.Err() != nil {
					t.Fatal(p.Err())
				}
				for k := range uint32(n) {
					if seen[k] != 1 && typ != LRUHash {
						t.Errorf("key %d seen %d times", k, seen[k])
					}
				}
				stopped := 0
				walk(p, func(uint32, uint32) bool { stopped++; return stopped < 5 })
				if stopped != 5 || p.Err() != nil {
					t.Errorf("stopped after %d, %v", stopped, p.Err())
				}
			})
		}
	}
}

func TestIterateAndDeleteEverything(t *testing.T) {
	needKernel(t)
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			const n = 1000
			v := fillHash(t, Hash, n)
			seen := 0
			p := v.Iterate()
			walk(p, func(k, _ uint32) bool {
				seen++
				return v.Delete(k) == nil
			})
			if seen != n || p.Err() != nil {
				t.Errorf("%d of %d, %v", seen, n, p.Err())
			}
			walk(p, func(uint32, uint32) bool { t.Error("not empty"); return false })
		})
	}
}

// TestIterateWhileOthersDelete keeps even keys and lets odd ones come and go:
// every even one must be seen once, or the pass says that it is incomplete.
func TestIterateWhileOthersDelete(t *testing.T) {
	needKernel(t)
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			const n = 512
			v := fillHash(t, Hash, n)
			stop := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				for i := uint32(1); ; i += 2 {
					select {
					case <-stop:
						return
					default:
					}
					v.Delete(i % n)
					v.Put((i+n/2)%n|1, (i+n/2)%n|1)
				}
			})
			incomplete := 0
			for range 20 {
				seen := map[uint32]int{}
				p := v.Iterate()
				walk(p, func(k, _ uint32) bool { seen[k]++; return true })
				if errors.Is(p.Err(), ErrIncomplete) {
					incomplete++
					continue
				}
				if p.Err() != nil {
					t.Fatal(p.Err())
				}
				for k := uint32(0); k < n; k += 2 {
					if seen[k] != 1 {
						t.Errorf("key %d seen %d times", k, seen[k])
					}
				}
			}
			close(stop)
			wg.Wait()
			t.Logf("%d of 20 passes incomplete", incomplete)
			if incomplete == 20 {
				t.Error("no pass was complete")
			}
		})
	}
}

func TestIterateInManyBatches(t *testing.T) {
	needKernel(t)
	v := fillHash(t, Hash, 5000)
	n := 0
	p := v.Iterate()
	for range p.All() {
		n++
	}
	if n != 5000 || p.Err() != nil {
		t.Errorf("%d, %v", n, p.Err())
	}
}

func TestIterateSlotsWithHoles(t *testing.T) {
	needKernel(t)
	in := &Spec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	inner := mustNew(t, in, nil)
	m := mustNew(t, &Spec{Type: ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 8, Inner: in}, nil)
	for _, i := range []int{1, 6} {
		if err := m.Put(i, inner); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Typed[uint32, uint32](m)
	if err != nil {
		t.Fatal(err)
	}
	for name, walk := range walks {
		var keys []uint32
		p := v.Iterate()
		walk(p, func(k, _ uint32) bool { keys = append(keys, k); return true })
		if d := cmp.Diff([]uint32{1, 6}, keys); d != "" || p.Err() != nil {
			t.Errorf("%s: %s %v", name, d, p.Err())
		}
	}
}

func BenchmarkViewLookup(b *testing.B) {
	needKernel(b)
	v := fillHash(b, Hash, 1000)
	b.ReportAllocs()
	var out uint32
	for b.Loop() {
		if err := v.Lookup(7, &out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIterate(b *testing.B) {
	needKernel(b)
	for name, walk := range walks {
		b.Run(name, func(b *testing.B) {
			v := fillHash(b, Hash, 1000)
			b.ReportAllocs()
			for b.Loop() {
				walk(v.Iterate(), func(uint32, uint32) bool { return true })
			}
		})
	}
}
