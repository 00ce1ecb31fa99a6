package prog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

func TestRunPacket(t *testing.T) {
	needKernel(t)
	noLeak(t)
	// Returns the packet's length.
	p := load(t, &prog.Spec{
		Name: "len", Type: prog.SchedCLS, License: "GPL",
		Insns: asm.Instructions{asm.LoadMem(asm.R0, asm.R1, 0, asm.SizeW), asm.Exit()},
	}, nil)
	in := bytes.Repeat([]byte{0xab}, 100)
	res, err := p.Run(&prog.RunOptions{Data: in, Repeat: 10})
	if err != nil {
		t.Fatal(err)
	}
	if res.Return != 100 || !bytes.Equal(res.Data, in) {
		t.Errorf("returned %d, packet %x", res.Return, res.Data)
	}
	if res, err = p.Run(nil); err != nil || res.Return != 64 {
		t.Errorf("empty packet: %d, %v", res.Return, err)
	}
	if res, err = p.Run(&prog.RunOptions{Data: in, DataOut: 20}); !errors.Is(err, sys.ENOSPC) || len(res.Data) != 20 || res.Return != 100 {
		t.Errorf("short output: %+v, %v", res, err)
	}
	if res, err = p.Run(&prog.RunOptions{Data: in, DataOut: -1}); err != nil && !errors.Is(err, sys.ENOSPC) || len(res.Data) != 0 {
		t.Errorf("no output: %+v, %v", res, err)
	}
}

func TestRunSyscall(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.14")
	noLeak(t)
	p := load(t, &prog.Spec{
		Name: "sum", Type: prog.Syscall, Flags: sys.BPF_F_SLEEPABLE, License: "GPL",
		Insns: asm.Instructions{
			asm.LoadMem(asm.R0, asm.R1, 0, asm.SizeDW),
			asm.LoadMem(asm.R2, asm.R1, 8, asm.SizeDW),
			asm.AddReg(asm.R0, asm.R2),
			asm.StoreMem(asm.R1, 8, asm.R0, asm.SizeDW),
			asm.Exit(),
		},
	}, nil)
	ctx := binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(nil, 40), 2)
	before := bytes.Clone(ctx)
	res, err := p.Run(&prog.RunOptions{Ctx: ctx})
	if err != nil || res.Return != 42 || binary.NativeEndian.Uint64(res.Ctx[8:]) != 42 {
		t.Errorf("%+v, %v", res, err)
	}
	if !bytes.Equal(ctx, before) {
		t.Error("the caller's context was written to")
	}
	if _, err := p.Run(&prog.RunOptions{Ctx: ctx, CtxOut: 8}); !errors.Is(err, sys.EINVAL) {
		t.Errorf("context out of a type that has none: %v", err)
	}
}

func TestStats(t *testing.T) {
	needKernel(t)
	noLeak(t)
	testutil.Require(t, "5.8")
	h, err := prog.EnableStats()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	p := load(t, &prog.Spec{Name: "stats", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	if _, err := p.Run(&prog.RunOptions{Repeat: 5}); err != nil {
		t.Fatal(err)
	}
	if in, err := p.Info(); err != nil || in.Stats.Runs == 0 || in.VerifiedInsns != 2 && testutil.KernelAtLeast(t, "5.16") {
		t.Errorf("%+v, %v", in, err)
	}
	if code, err := p.Xlated(); err != nil || len(code) == 0 {
		t.Errorf("instructions: %d bytes, %v", len(code), err)
	}
}

// bpffs is the path of a bpffs that is mounted nowhere and goes with the test.
func bpffs(t *testing.T) string {
	t.Helper()
	fd, err := sys.OpenDetached("bpf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fd.Close() })
	raw, err := fd.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fd.Release)
	return fmt.Sprintf("/proc/self/fd/%d", raw)
}

func TestPin(t *testing.T) {
	needKernel(t)
	dir := bpffs(t)
	noLeak(t)
	p := load(t, &prog.Spec{Name: "pinned", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	path := filepath.Join(dir, "p")
	if err := p.Pin(path); err != nil {
		t.Fatal(err)
	}
	if err := p.Pin(path); !errors.Is(err, sys.EEXIST) || !strings.HasPrefix(err.Error(), "program pinned: pin: "+path) {
		t.Errorf("second pin: %v", err)
	}
	id, err := p.ID()
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	q, err := prog.OpenPinned(path)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if got, err := q.ID(); err != nil || got != id || q.Name() != "pinned" || q.Type() != prog.XDP {
		t.Errorf("opened %d %q %s, %v", got, q.Name(), q.Type(), err)
	}
	if err := errors.Join(q.Unpin(), q.Unpin(), p.Unpin()); err != nil {
		t.Error(err)
	}
	if _, err := prog.OpenPinned(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("unpinned: %v", err)
	}
}

// arrayMap is a map of one value.
type arrayMap struct{ fd *sys.FD }

func (m arrayMap) MapFD() *sys.FD { return m.fd }

func newMap(t *testing.T) arrayMap {
	t.Helper()
	fd, err := sys.MapCreate(&sys.MapCreateAttr{MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fd.Close() })
	return arrayMap{fd}
}

func TestMapsAndBinding(t *testing.T) {
	needKernel(t)
	noLeak(t)
	m, bound := newMap(t), newMap(t)
	s := &prog.Spec{
		Name: "globals", Type: prog.SocketFilter, License: "GPL",
		Maps: map[string]prog.MapRef{"data": m},
		Insns: asm.Instructions{
			asm.LoadMapValue(asm.R1, "data", 4),
			asm.StoreImm(asm.R1, 0, 77, asm.SizeW),
			asm.Mov(asm.R0, 0),
			asm.Exit(),
		},
	}
	p := load(t, s, nil)
	if _, err := p.Run(nil); err != nil {
		t.Fatal(err)
	}
	if err := p.BindMap(bound); err != nil {
		t.Error(err)
	}
	if in, err := p.Info(); err != nil || len(in.MapIDs) != 2 {
		t.Errorf("maps %v, %v", in.MapIDs, err)
	}
	_ = m.fd.Close()
	if _, err := prog.Load(s, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed map: %v", err)
	}
}

func TestFromFDAndAll(t *testing.T) {
	needKernel(t)
	noLeak(t)
	p := load(t, &prog.Spec{Name: "mine", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	id, _ := p.ID()
	seen := false
	for q, err := range prog.All() {
		if err != nil {
			t.Fatal(err)
		}
		got, _ := q.ID()
		seen = seen || got == id
		_ = q.Close()
	}
	if !seen {
		t.Error("All does not give the program")
	}
	dup, err := p.ProgFD().Dup()
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := dup.Detach()
	q, err := prog.FromFD(raw)
	if err != nil {
		t.Fatal(err)
	}
	_ = q.Close()
	raw, _ = newMap(t).fd.Detach()
	if _, err := prog.FromFD(raw); err == nil || !strings.Contains(err.Error(), "bpf-map") {
		t.Errorf("a map was taken for a program: %v", err)
	}
	if _, err := prog.FromFD(-1); err == nil {
		t.Error("-1 was taken for a program")
	}
	if _, err := prog.FromID(1<<31 - 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such id: %v", err)
	}
}

// TestLoadUnderProfile loads what takes longer to verify than the profiler
// leaves a thread in peace.
func TestLoadUnderProfile(t *testing.T) {
	needKernel(t)
	noLeak(t)
	if err := pprof.StartCPUProfile(new(bytes.Buffer)); err == nil { // or -cpuprofile did
		defer pprof.StopCPUProfile()
	}
	s := &prog.Spec{Name: "slow", Type: prog.SocketFilter, License: "GPL", Insns: slow(t)}
	for range 5 {
		p, err := prog.Load(s, nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		_ = p.Close()
	}
}

// slow is a loop that the verifier follows 60,000 times around.
func slow(t testing.TB) asm.Instructions {
	t.Helper()
	ins, err := asm.Assemble(
		asm.Call(asm.FnGetPrandomU32),
		asm.MovReg(asm.R7, asm.R0),
		asm.Mov(asm.R6, 0),
		asm.Label("loop"),
		asm.Add(asm.R6, 1),
		asm.AddReg(asm.R7, asm.R6),
		asm.JumpIf(asm.JLT, asm.R6, 60000, "loop"),
		asm.Mov(asm.R0, 0),
		asm.Exit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return ins
}
