package sys

import (
	"errors"
	"syscall"
	"testing"
	"unsafe"
)

func testMap(t testing.TB) *FD {
	t.Helper()
	needKernel(t)
	fd, err := MapCreate(&MapCreateAttr{MapType: BPF_MAP_TYPE_HASH, KeySize: 4, ValueSize: 8, MaxEntries: 16, MapName: ObjName("sys_test")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fd.Close() })
	return fd
}

// lookup is written as package maps writes it: nothing in it may reach the heap.
func lookup(fd *FD, key *uint32, value *uint64) error {
	raw, err := fd.Borrow()
	if err != nil {
		return err
	}
	defer fd.Release()
	attr := MapElemAttr{MapFd: uint32(raw), Key: PtrTo(key), Value: PtrTo(value)}
	return MapLookupElem(&attr)
}

func update(fd *FD, key uint32, value uint64) error {
	raw, err := fd.Borrow()
	if err != nil {
		return err
	}
	defer fd.Release()
	attr := MapElemAttr{MapFd: uint32(raw), Key: PtrTo(&key), Value: PtrTo(&value)}
	return MapUpdateElem(&attr)
}

func TestMapOperationsDoNotAllocate(t *testing.T) {
	fd := testMap(t)
	if err := update(fd, 7, 1<<40); err != nil {
		t.Fatal(err)
	}
	var sum uint64
	n := testing.AllocsPerRun(1000, func() {
		key, value := uint32(7), uint64(0)
		if err := lookup(fd, &key, &value); err != nil {
			t.Fatal(err)
		}
		sum += value
	})
	if n != 0 || sum == 0 || sum%(1<<40) != 0 {
		t.Errorf("lookup: %v allocations, sum %#x", n, sum)
	}
	n = testing.AllocsPerRun(1000, func() {
		key, value := uint32(8), uint64(0)
		if err := lookup(fd, &key, &value); !errors.Is(err, ENOENT) {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("lookup of an absent key: %v allocations", n)
	}
	n = testing.AllocsPerRun(1000, func() {
		if err := update(fd, 9, 3); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("update: %v allocations", n)
	}
}

func TestBorrowDoesNotAllocate(t *testing.T) {
	fd, err := MemfdCreate("borrow")
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	n := testing.AllocsPerRun(1000, func() {
		if _, err := fd.Borrow(); err != nil {
			t.Fatal(err)
		}
		fd.Release()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The attribute, the key and the value live on a stack that has to grow, and so
// move, before the seam's function can answer.
func TestPointersFollowAMovingStack(t *testing.T) {
	prev := InstallSeam(&Seam{BPF: func(cmd Cmd, attr unsafe.Pointer, _ uintptr, _ *CommonAttr) (uintptr, Errno) {
		grow(200)
		a := (*MapElemAttr)(attr)
		*(*uint64)(a.Value.Raw()) = uint64(*(*uint32)(a.Key.Raw())) + 1
		return 0, 0
	}})
	defer InstallSeam(prev)
	fd, err := MemfdCreate("stack")
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	done := make(chan uint64)
	for i := range uint32(50) {
		go func() {
			key, value := i, uint64(0)
			if err := lookup(fd, &key, &value); err != nil {
				t.Error(err)
			}
			done <- value
		}()
	}
	var sum uint64
	for range 50 {
		sum += <-done
	}
	if want := uint64(50*49/2 + 50); sum != want {
		t.Errorf("sum %d, want %d", sum, want)
	}
}

//go:noinline
func grow(n int) byte {
	var pad [512]byte
	pad[n%512] = byte(n)
	if n == 0 {
		return pad[0]
	}
	return grow(n-1) + pad[(n*7)%512]
}

func TestErrorsCompareWithErrnos(t *testing.T) {
	for _, err := range []error{cmdError(BPF_MAP_LOOKUP_ELEM, ENOENT), cmdError(BPF_MAP_CREATE, ENOENT)} {
		if !errors.Is(err, ENOENT) || !errors.Is(err, syscall.ENOENT) || errors.Is(err, EPERM) || err == error(ENOENT) {
			t.Errorf("%v compares wrongly", err)
		}
	}
	if err := cmdError(BPF_MAP_CREATE|BPF_COMMON_ATTRS, EPERM); err.Error() != "BPF_MAP_CREATE: operation not permitted" {
		t.Errorf("got %q", err)
	}
	for _, errno := range []Errno{ENOSYS, EOPNOTSUPP, ENOTSUPP} {
		if !errors.Is(cmdError(BPF_PROG_LOAD, errno), errors.ErrUnsupported) {
			t.Errorf("errno %d is not ErrUnsupported", errno)
		}
	}
	if cmdError(BPF_PROG_LOAD, 0) != nil {
		t.Error("errno 0 is an error")
	}
}

func BenchmarkMapLookup(b *testing.B) {
	fd := testMap(b)
	if err := update(fd, 7, 1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		key, value := uint32(7), uint64(0)
		if err := lookup(fd, &key, &value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBorrow(b *testing.B) {
	fd, err := MemfdCreate("borrow")
	if err != nil {
		b.Fatal(err)
	}
	defer fd.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fd.Borrow(); err != nil {
			b.Fatal(err)
		}
		fd.Release()
	}
}
