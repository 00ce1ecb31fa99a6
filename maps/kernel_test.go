package maps

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
)

func u32(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// TestEveryType creates a map of each type, and puts into it what it takes.
func TestEveryType(t *testing.T) {
	needKernel(t)
	page := uint32(os.Getpagesize())
	inner := &Spec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	types := blob(t)
	storage := func(typ Type) Spec {
		return Spec{Type: typ, KeySize: 4, ValueSize: 8, Flags: NoPrealloc, Types: types, Key: 1, Value: 2}
	}
	for _, tt := range []struct {
		spec   Spec
		since  string // the first kernel that has it; "" for 5.10
		config string // options it needs
	}{
		{spec: Spec{Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{spec: Spec{Type: PerfEventArray, KeySize: 4, ValueSize: 4}},
		{spec: Spec{Type: PerCPUHash, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{spec: Spec{Type: PerCPUArray, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{spec: Spec{Type: StackTrace, KeySize: 4, ValueSize: 8 * 16, MaxEntries: 4}},
		{spec: Spec{Type: CgroupArray, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{spec: Spec{Type: LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: LRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: LPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 4, Flags: NoPrealloc}},
		{spec: Spec{Type: ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 4, Inner: inner}},
		{spec: Spec{Type: HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 4, Inner: inner}},
		{spec: Spec{Type: DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{spec: Spec{Type: SockMap, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: CPUMap, KeySize: 4, ValueSize: 4, MaxEntries: 1}},
		{spec: Spec{Type: XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{spec: Spec{Type: SockHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: CgroupStorage, KeySize: 8, ValueSize: 8}},
		{spec: Spec{Type: ReusePortSockArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: PerCPUCgroupStorage, KeySize: 8, ValueSize: 8}},
		{spec: Spec{Type: Queue, ValueSize: 8, MaxEntries: 4}},
		{spec: Spec{Type: Stack, ValueSize: 8, MaxEntries: 4}},
		{spec: storage(SkStorage)},
		{spec: Spec{Type: DevMapHash, KeySize: 4, ValueSize: 4, MaxEntries: 4}},
		{spec: Spec{Type: RingBuf, MaxEntries: page}},
		{spec: storage(InodeStorage), config: "CONFIG_BPF_LSM"},
		{spec: storage(TaskStorage), since: "5.11"},
		{spec: Spec{Type: BloomFilter, ValueSize: 8, MaxEntries: 4, MapExtra: 3}, since: "5.16"},
		{spec: Spec{Type: UserRingBuf, MaxEntries: page}, since: "6.1"},
		{spec: storage(CgrpStorage), since: "6.2"},
		{spec: Spec{Type: Arena, MaxEntries: 4, Flags: Mmapable}, since: "6.9"},
		{spec: Spec{Type: InsnArray, KeySize: 4, ValueSize: 16, MaxEntries: 4}, since: "6.19"},
		{spec: Spec{Type: RHash, KeySize: 4, ValueSize: 8, MaxEntries: 4, Flags: NoPrealloc}, since: "7.2"},
	} {
		t.Run(tt.spec.Type.String(), func(t *testing.T) {
			testutil.Require(t, tt.since, strings.Fields(tt.config)...)
			tt.spec.Name = "skep.type-test/longer than 15"
			m, err := New(&tt.spec, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			info, err := m.Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Name != "skep.type_test_" || info.Type != tt.spec.Type || info.ID == 0 || info.KeySize != tt.spec.KeySize {
				t.Errorf("info %+v", info)
			}
			if tt.spec.MaxEntries != 0 && info.MaxEntries != tt.spec.MaxEntries {
				t.Errorf("max entries %d", info.MaxEntries)
			}
			if ds := tt.spec.Compare(info); len(ds) != 0 && tt.spec.Type != PerfEventArray {
				t.Errorf("differs from its own spec: %v", ds)
			}
			for _, lost := range m.Degraded() {
				t.Errorf("lost %s", lost)
			}
			m2, err := FromID(info.ID)
			if err != nil {
				t.Fatal(err)
			}
			defer m2.Close()
			if m2.Type() != m.Type() || m2.Name() != info.Name || m2.ValueSize() != m.ValueSize() {
				t.Errorf("by id: %v", m2)
			}
		})
	}
}

func TestHashOps(t *testing.T) {
	needKernel(t)
	m := mustNew(t, &Spec{Name: "h", Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4}, nil)
	value := make([]byte, 8)
	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	check("lookup of nothing", m.Lookup(u32(1), value, Any), ErrKeyNotExist)
	check("lookup of nothing", m.Lookup(u32(1), value, Any), fs.ErrNotExist)
	check("delete of nothing", m.Delete(u32(1)), ErrKeyNotExist)
	check("replace nothing", m.Update(u32(1), value, Exist), ErrKeyNotExist)
	check("create", m.Put(uint32(1), 7), nil)
	check("create again", m.Update(u32(1), value, NoExist), ErrKeyExist)
	check("first key", m.NextKey(nil, value[:4]), nil)
	check("last key", m.NextKey(u32(1), value[:4]), ErrKeyNotExist)
	check("lookup", m.Lookup(u32(1), value, Any), nil)
	if got := binary.NativeEndian.Uint64(value); got != 7 {
		t.Errorf("value %d", got)
	}
	var n uint64
	check("get", m.Get(1, &n), nil)
	if testutil.KernelAtLeast(t, "5.14") {
		check("pop", m.LookupAndDelete(u32(1), value, Any), nil)
		check("pop again", m.LookupAndDelete(u32(1), value, Any), ErrKeyNotExist)
	} else {
		check("pop", m.LookupAndDelete(u32(1), value, Any), sys.ENOTSUPP)
		check("delete", m.Delete(u32(1)), nil)
	}
	for i := range 4 {
		check("put", m.Put(i, uint64(i)), nil)
	}
	check("full", m.Put(9, uint64(9)), sys.E2BIG)
	check("remove", m.Remove(3), nil)
	for _, err := range []error{
		m.Lookup(u32(1)[:3], value, Any), m.Lookup(u32(1), value[:7], Any), m.Update(u32(1), nil, Any),
		m.Delete(nil), m.NextKey(nil, value), m.Put("x", 1), m.Put(1, "x"), m.Get(1, n),
	} {
		if err == nil || n != 7 {
			t.Errorf("wrong size: %v", err)
		}
	}
	check("freeze", m.Freeze(), nil)
	check("put when frozen", m.Put(1, 1), sys.EPERM)
	m.Close()
	check("closed", m.Lookup(u32(1), value, Any), os.ErrClosed)
	check("closed", m.Close(), nil)
}

func TestQueueStackBloom(t *testing.T) {
	needKernel(t)
	for _, tt := range []struct {
		typ  Type
		want []uint32
	}{{Queue, []uint32{1, 2, 3}}, {Stack, []uint32{3, 2, 1}}} {
		t.Run(tt.typ.String(), func(t *testing.T) {
			m := mustNew(t, &Spec{Type: tt.typ, ValueSize: 4, MaxEntries: 4}, nil)
			for i := uint32(1); i <= 3; i++ {
				if err := m.Push(u32(i)); err != nil {
					t.Fatal(err)
				}
			}
			v, err := Typed[struct{}, uint32](m)
			if err != nil {
				t.Fatal(err)
			}
			var got []uint32
			for {
				var peek, n uint32
				perr := v.Lookup(struct{}{}, &peek)
				err := v.LookupAndDelete(struct{}{}, &n)
				if err != perr || peek != n {
					t.Errorf("peek %d %v, pop %d %v", peek, perr, n, err)
				}
				if err == ErrKeyNotExist {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, n)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if p := v.Iterate(); func() bool {
				for range p.All() {
					return false
				}
				return p.Err() == nil
			}() {
				t.Error("a map without keys was walked")
			}
		})
	}
	t.Run("BloomFilter", func(t *testing.T) {
		testutil.Require(t, "5.16")
		m, err := New(&Spec{Type: BloomFilter, ValueSize: 4, MaxEntries: 100}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.Put(nil, uint32(5)); err != nil {
			t.Fatal(err)
		}
		if err := m.Peek(u32(5)); err != nil {
			t.Error(err)
		}
		if err := m.Peek(u32(6)); err != ErrKeyNotExist {
			t.Error(err)
		}
	})
}

func TestMapsOfMaps(t *testing.T) {
	needKernel(t)
	in := &Spec{Name: "in", Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	inner := mustNew(t, in, nil)
	info, err := inner.Info()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []Type{ArrayOfMaps, HashOfMaps} {
		t.Run(typ.String(), func(t *testing.T) {
			m := mustNew(t, &Spec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 4, Inner: in}, nil)
			if err := m.Put(2, inner); err != nil {
				t.Fatal(err)
			}
			var id uint32
			if err := m.Get(2, &id); err != nil || id != info.ID {
				t.Errorf("id %d, %v, want %d", id, err, info.ID)
			}
			v, err := Typed[uint32, uint32](m)
			if err != nil {
				t.Fatal(err)
			}
			got := map[uint32]uint32{}
			p := v.Iterate()
			for k, id := range p.All() {
				got[k] = id
			}
			if d := cmp.Diff(map[uint32]uint32{2: info.ID}, got); d != "" || p.Err() != nil {
				t.Errorf("%s %v", d, p.Err())
			}
			closed := mustNew(t, in, nil)
			closed.Close()
			if err := m.Put(1, closed); !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

func TestStorageByFD(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.11", "CONFIG_DEBUG_INFO_BTF")
	m, err := New(&Spec{Type: TaskStorage, KeySize: 4, ValueSize: 8, Flags: NoPrealloc, Types: blob(t), Key: 1, Value: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	pid, err := sys.PidfdOpen(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer pid.Close()
	fd, err := pid.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	defer pid.Release()
	if err := m.Put(fd, 77); err != nil {
		t.Fatal(err)
	}
	var got uint64
	if err := m.Get(fd, &got); err != nil || got != 77 {
		t.Errorf("%d, %v", got, err)
	}
}

func TestContentsFreezeAndMemory(t *testing.T) {
	needKernel(t)
	s := &Spec{Name: ".rodata", Type: Array, KeySize: 4, ValueSize: 12, MaxEntries: 1, Flags: Mmapable,
		Contents: []byte("hello, world")}
	m := mustNew(t, s, nil)
	mem, err := m.Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	b := make([]byte, 12)
	if n, err := mem.ReadAt(b, 0); n != 12 || err != nil || string(b) != "hello, world" {
		t.Errorf("%d, %v, %q", n, err, b)
	}
	if _, err := mem.WriteAt([]byte("W"), 7); err != nil {
		t.Error(err)
	}
	if v, err := m.LookupBytes(u32(0)); err != nil || string(v) != "hello, World" {
		t.Errorf("%q, %v", v, err)
	}
	if n, err := mem.WriteAt(make([]byte, 17), 0); n != 0 || err == nil {
		t.Errorf("wrote %d bytes past the end, %v", n, err)
	}
	if _, err := mem.ReadAt(b, 17); err == nil {
		t.Error("read past the end")
	}
	if _, err := mem.ReadAt(b, -1); err == nil {
		t.Error("read before the start")
	}
	mem.Close()
	if _, err := mem.ReadAt(b, 0); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}

	s.Freeze, s.Flags = true, Mmapable|ReadOnlyProg
	m = mustNew(t, s, nil)
	if err := m.Update(u32(0), b, Any); !errors.Is(err, sys.EPERM) {
		t.Errorf("update of a frozen map: %v", err)
	}
	frozen, err := m.Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Close()
	if !frozen.ReadOnly() {
		t.Error("frozen memory can be written")
	}
	if _, err := frozen.WriteAt([]byte{1}, 0); !errors.Is(err, os.ErrPermission) {
		t.Error(err)
	}
}

func TestArenaMemory(t *testing.T) {
	needKernel(t)
	testutil.Need64Bit(t)
	testutil.Require(t, "6.9")
	m, err := New(&Spec{Type: Arena, MaxEntries: 4, Flags: Mmapable}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	mem, err := m.Memory()
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	b := make([]byte, 5)
	off := int64(mem.Size() - len(b))
	if _, err := mem.WriteAt([]byte("arena"), off); err != nil {
		t.Fatal(err)
	}
	if n, err := mem.ReadAt(b, off); n != 5 || err != nil || string(b) != "arena" || mem.Size() != 4*os.Getpagesize() {
		t.Errorf("%d, %v, %q of %d", n, err, b, mem.Size())
	}
}

func TestPinning(t *testing.T) {
	needKernel(t)
	o := &Options{PinDir: pinDir(t)}
	s := &Spec{Name: "pin.me", Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 4, Pinning: ByName}
	first := mustNew(t, s, o)
	if first.Reused() || first.PinPath() != filepath.Join(o.PinDir, "pin_me") {
		t.Errorf("reused %v at %q", first.Reused(), first.PinPath())
	}
	if err := first.Put(1, 11); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := mustNew(t, s, o)
	var got uint32
	if err := second.Get(1, &got); err != nil || got != 11 || !second.Reused() {
		t.Errorf("%d, %v, reused %v", got, err, second.Reused())
	}
	other := s.Copy()
	other.ValueSize, other.Type = 8, LRUHash
	var ie *IncompatibleError
	if _, err := New(other, o); !errors.As(err, &ie) {
		t.Fatal(err)
	}
	want := []Difference{{Property: "type", Want: "LRUHash", Have: "Hash"}, {Property: "value size", Want: "8", Have: "4"}}
	if d := cmp.Diff(want, ie.Differences); d != "" {
		t.Error(d)
	}
	opened, err := OpenPinned(second.PinPath(), ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if err := opened.Put(1, 1); !errors.Is(err, sys.EPERM) {
		t.Errorf("write through a read-only descriptor: %v", err)
	}
	if err := second.Pin(second.PinPath()); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := errors.Join(second.Unpin(), second.Unpin(), opened.Unpin()); err != nil {
		t.Error(err)
	}
	if _, err := OpenPinned(filepath.Join(o.PinDir, "pin_me"), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestPinRace lets loaders race for one name: all must end with one map.
func TestPinRace(t *testing.T) {
	needKernel(t)
	o := &Options{PinDir: pinDir(t)}
	s := &Spec{Name: "race", Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 4, Pinning: ByName}
	for range 20 {
		type result struct {
			m   *Map
			err error
		}
		results := make(chan result)
		for range 4 {
			go func() { m, err := New(s, o); results <- result{m, err} }()
		}
		ids, created := map[uint32]bool{}, 0
		for range 4 {
			r := <-results
			if r.err != nil {
				t.Error(r.err)
				continue
			}
			if info, err := r.m.Info(); err == nil {
				ids[info.ID] = true
			}
			if !r.m.Reused() {
				created++
			}
			r.m.Close()
		}
		if len(ids) != 1 || created != 1 {
			t.Errorf("%d maps, %d creators", len(ids), created)
		}
		os.Remove(filepath.Join(o.PinDir, "race"))
	}
}

func TestAllFindsAMap(t *testing.T) {
	needKernel(t)
	m := mustNew(t, &Spec{Name: "find_me", Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for other, err := range All() {
		if err != nil {
			t.Fatal(err)
		}
		i, err := other.Info()
		if err == nil && i.ID == info.ID {
			found++
		}
		other.Close()
	}
	if found != 1 {
		t.Errorf("found %d times", found)
	}
}

func TestBatches(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.6")
	m := mustNew(t, &Spec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 100}, nil)
	var keys, values []byte
	for i := range uint32(10) {
		keys, values = append(keys, u32(i)...), append(values, u32(i*i)...)
	}
	if n, err := m.UpdateBatch(keys, values, Any); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := m.UpdateBatch(keys, values, NoExist); n != 0 || err == nil {
		t.Errorf("%d, %v", n, err)
	}
	got := map[uint32]uint32{}
	k, v := make([]byte, 4*64), make([]byte, 4*64)
	var c Cursor
	for done := false; !done; {
		var n int
		var err error
		if n, done, err = m.LookupBatch(&c, k, v, Any); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			got[binary.NativeEndian.Uint32(k[i*4:])] = binary.NativeEndian.Uint32(v[i*4:])
		}
	}
	if len(got) != 10 || got[9] != 81 {
		t.Errorf("got %v", got)
	}
	if n, err := m.DeleteBatch(append(keys[:8:8], u32(77)...)); n != 2 || !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("deleted %d, %v", n, err)
	}
	if n, done, err := m.LookupAndDeleteBatch(new(Cursor), k, v, Any); n != 8 || !done || err != nil {
		t.Errorf("took %d, %v, %v", n, done, err)
	}
	if _, _, err := m.LookupBatch(new(Cursor), k, v[:8], Any); err == nil {
		t.Error("slices that do not match")
	}
}

func TestBatchNeedsRoom(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.6")
	v := fillHash(t, Hash, 5000) // in 8192 buckets: some hold two
	k, val := make([]byte, 4), make([]byte, 4)
	var c Cursor
	for {
		_, done, err := v.Map().LookupBatch(&c, k, val, Any)
		if NeedsRoom(err) {
			return
		}
		if done || err != nil {
			t.Fatalf("done %v, %v", done, err)
		}
	}
}

func TestProgArrayTakesNoMap(t *testing.T) {
	needKernel(t)
	m := mustNew(t, &Spec{Type: ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4}, nil)
	if err := m.Put(0, m); !errors.Is(err, sys.EINVAL) {
		t.Error(err)
	}
}

// TestCloseBesideUse closes a map under calls in flight.
func TestCloseBesideUse(t *testing.T) {
	needKernel(t)
	for range 50 {
		m := mustNew(t, &Spec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}, nil)
		done := make(chan error)
		for range 2 {
			go func() {
				for v := make([]byte, 4); ; {
					if err := m.Lookup(make([]byte, 4), v, Any); err != nil {
						done <- err
						return
					}
				}
			}()
		}
		runtime.Gosched()
		m.Close()
		for range 2 {
			if err := <-done; !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		}
	}
}
