package skep_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// result runs a program of a collection once and gives what it returns.
func result(t *testing.T, c *skep.Collection, name string, o *prog.RunOptions) uint32 {
	t.Helper()
	p, err := c.Program(name)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(o)
	if err != nil {
		t.Fatal(err)
	}
	return res.Return
}

// onArch skips below the Linux in which an architecture's JIT compiler learned
// something, and where it has not.
func onArch(t *testing.T, releases map[string]string, options ...string) {
	t.Helper()
	testutil.NeedRoot(t)
	min, ok := releases[runtime.GOARCH]
	if !ok {
		min = "999.0"
	}
	testutil.Require(t, min, append(options, "CONFIG_BPF_JIT")...)
}

// needArena skips where the JIT compiler knows no arenas.
func needArena(t *testing.T) {
	t.Helper()
	onArch(t, map[string]string{"amd64": "6.9", "arm64": "6.10"}, "CONFIG_DEBUG_INFO_BTF")
}

func TestArena(t *testing.T) {
	needArena(t)
	s := open(t, "testdata/arena.el.o")
	if err := s.Set("first", int32(11)); err != nil {
		t.Fatal(err)
	}
	c := loadOps(t, s)
	if n := result(t, c, "sum", nil); n != 46 {
		t.Errorf("sum is %d, want 11 + 35", n)
	}
	var second int32
	if err := c.Get("second", &second); err != nil || second != 46 {
		t.Errorf("second is %d, %v", second, err)
	}
	if err := c.Set("first", int32(-36)); err != nil {
		t.Fatal(err)
	}
	if n := result(t, c, "sum", nil); n != ^uint32(0) {
		t.Errorf("sum is %d, want -1", int32(n))
	}
	// A pointer that the program stored leads to the same byte here.
	if n := result(t, c, "allocate", nil); n != 0 {
		t.Fatalf("allocate returns %d", n)
	}
	var page uint64
	if err := c.Get("page", &page); err != nil {
		t.Fatal(err)
	}
	mem := c.Arenas["arena"]
	var b [4]byte
	if _, err := mem.ReadAt(b[:], int64(page-uint64(mem.Address()))); err != nil || binary.NativeEndian.Uint32(b[:]) != 0x5eb {
		t.Errorf("at %#x of an arena at %#x: %x, %v", page, mem.Address(), b, err)
	}
}

// An arena that says where it is is there, or nowhere.
func TestArenaAddress(t *testing.T) {
	needArena(t)
	s := open(t, "testdata/arena.el.o")
	const at uint64 = 0x1f0000000000
	s.Maps["arena"].MapExtra = at
	c := loadOps(t, s)
	if a := uint64(c.Arenas["arena"].Address()); a != at {
		t.Errorf("mapped at %#x, want %#x", a, at)
	}
	if n := result(t, c, "sum", nil); n != 42 {
		t.Errorf("sum is %d", n)
	}
	if c, err := skep.Load(s, nil); err == nil {
		c.Close()
		t.Error("a second arena at the same place in the same process")
	}
}

func TestArenaTooSmall(t *testing.T) {
	s := open(t, "testdata/arena.el.o")
	s.Maps["arena"].MaxEntries = 0
	_, err := s.Plan(&skep.Facts{PageSize: 4096, Features: new(skep.Features)})
	var se *skep.StepError
	if !errors.As(err, &se) {
		t.Errorf("got %v", err)
	}
}

func TestExceptionCallback(t *testing.T) {
	onArch(t, map[string]string{"amd64": "6.7", "arm64": "6.9"}, "CONFIG_DEBUG_INFO_BTF")
	c := loadOps(t, open(t, "testdata/exceptions.el.o"))
	if n := result(t, c, "throws", &prog.RunOptions{Data: make([]byte, 64)}); n != 42 {
		t.Errorf("got %d, want what the callback makes of 40", n)
	}
}

func TestJumpTable(t *testing.T) {
	onArch(t, map[string]string{"amd64": "6.19", "arm64": "7.0"})
	c := loadOps(t, open(t, "testdata/jumptable.el.o"))
	own := []uint32{11, 23, 35, 47, 51, 68, 72, 83, 97, 105, 116, 128, 132, 149, 153, 161}
	for choice := range uint64(40) {
		want := uint32(99)
		switch {
		case choice < 16:
			want = 1000 + 7*own[choice]
		case choice < 32:
			want = own[choice-16]
		}
		ctx := binary.NativeEndian.AppendUint64(nil, choice)
		if got := result(t, c, "jump", &prog.RunOptions{Ctx: ctx}); got != want {
			t.Errorf("%d leads to %d, want %d", choice, got, want)
		}
	}
}

// A table of places in a function is of no use when the function was edited.
func TestJumpTableOfEditedCode(t *testing.T) {
	s := open(t, "testdata/jumptable.el.o")
	f := s.Funcs["choose"]
	f.Insns = append(f.Insns, f.Insns[len(f.Insns)-1])
	_, err := s.Plan(&skep.Facts{PageSize: 4096, CPUs: 1, Features: new(skep.Features)})
	const want = "jumptable: program jump: jump table choose.jumptable: instructions of function choose were added or removed: the table does not fit any more"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
