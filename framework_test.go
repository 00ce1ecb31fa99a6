package skep_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/elf"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/maps/ringbuf"
	"github.com/skepbpf/skep/prog"
)

// The tests of this file are whole programs that users write, in small.

// ExampleOpen reads records of a ring buffer until its context ends.
func ExampleOpen() {
	type event struct {
		Seq      uint64
		Len, CPU uint32
	}
	main := func(ctx context.Context) error {
		spec, err := skep.Open(native("ringbuf"))
		if err != nil {
			return err
		}
		if err := spec.Set("seq", uint64(100)); err != nil {
			return err
		}
		spec.Maps["events"].MaxEntries = 1 << 20
		coll, err := skep.LoadContext(ctx, spec, nil)
		if err != nil {
			return err
		}
		defer coll.Close()
		events, err := coll.Map("events")
		if err != nil {
			return err
		}
		rd, err := ringbuf.NewReader(events)
		if err != nil {
			return err
		}
		defer rd.Close()
		links, err := coll.Attach(nil)
		if err != nil {
			return err
		}
		defer links.Close()
		for rec, err := range rd.Records(ctx) {
			if err != nil {
				return err
			}
			ev, err := ringbuf.As[event](rec)
			if err != nil {
				return err
			}
			fmt.Println(ev.Seq, ev.Len)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := main(ctx); err != nil {
		log.Print(err)
	}
}

// inNetns runs the test again in a network namespace of its own.
func inNetns(t *testing.T, f func()) {
	t.Helper()
	const env = "SKEP_TEST_NETNS"
	if os.Getenv(env) != "" {
		f()
		return
	}
	unshare := testutil.NeedTool(t, "unshare")
	testutil.NeedTool(t, "ip")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(unshare, "--net", "--", self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), env+"=1")
	// Without -v, a test that is skipped there would look like one that passed.
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in its own namespace: %v\n%s", err, out)
	}
}

// sendLo sends n datagrams over lo to nobody.
func sendLo(t *testing.T, n int) {
	t.Helper()
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("ip link: %v: %s", err, out)
	}
	c, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range n {
		_, _ = c.Write([]byte("skep")) // refused, of course
	}
}

// TestXDPCounter counts packets per CPU.
func TestXDPCounter(t *testing.T) {
	needKernel(t)
	inNetns(t, func() {
		coll := load(t, open(t, native("xdp")), nil)
		p, err := coll.Program("xdp_count")
		if err != nil {
			t.Fatal(err)
		}
		l, err := link.AttachXDP(p, link.XDPOptions{Interface: "lo"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		m, err := coll.Map("counts")
		if err != nil {
			t.Fatal(err)
		}
		type stats struct{ Packets, Bytes uint64 }
		counts, err := maps.Typed[uint32, []stats](m)
		if err != nil {
			t.Fatal(err)
		}
		sendLo(t, 5)
		var per []stats
		if err := counts.Lookup(0, &per); err != nil {
			t.Fatal(err)
		}
		sum := func(per []stats) (s stats) {
			for _, c := range per {
				s.Packets, s.Bytes = s.Packets+c.Packets, s.Bytes+c.Bytes
			}
			return s
		}
		if got := sum(per); got.Packets < 5 || got.Bytes < 5*46 {
			t.Errorf("counted %+v", got)
		}
		pass, keys := counts.Iterate(), 0
		for k, v := range pass.All() {
			keys++
			if k != 0 && sum(v).Packets != 0 {
				t.Errorf("key %d has %v", k, v)
			}
		}
		if err := pass.Err(); err != nil || keys != 4 {
			t.Errorf("%d keys, %v", keys, err)
		}
	})
}

// TestUnit is what a user's test of one program looks like.
func TestUnit(t *testing.T) {
	needKernel(t)
	spec := open(t, native("xdp"))
	if err := spec.Only("xdp_drop"); err != nil {
		t.Fatal(err)
	}
	coll := load(t, spec, nil)
	p, err := coll.Program("xdp_drop")
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(&prog.RunOptions{Data: make([]byte, 64)})
	if err != nil || res.Return != 1 {
		t.Fatal(res, err)
	}
	if len(coll.Programs) != 1 {
		t.Errorf("%d programs are loaded", len(coll.Programs))
	}
}

// TestFallback hooks a function by trampoline or else by a tracepoint, and does
// without one that is not there.
func TestFallback(t *testing.T) {
	needKernel(t)
	spec := open(t, native("prefer"))
	if err := spec.Prefer("fentry_sleep", "raw_sleep"); err != nil {
		t.Fatal(err)
	}
	spec.Programs["kprobe_sleep"].Policy = skep.Optional
	spec.Programs["fexit_sleep"].Policy = skep.Optional
	spec.Programs["fexit_sleep"].Target.Name = "skep_no_such_function"
	coll := load(t, spec, nil)
	for name, o := range coll.Report().Programs {
		if o.Loaded == (o.Why != nil) {
			t.Errorf("%s: loaded %v, why %v", name, o.Loaded, o.Why)
		}
	}
	if o := coll.Report().Programs["fexit_sleep"]; o.Loaded {
		t.Error("a program without a target is loaded")
	}
	links, err := coll.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := links.Close(); err != nil {
		t.Error(err)
	}
}

// upgrade takes over from an earlier version of itself: map and link are
// pinned, no packet is missed.
func upgrade(t *testing.T, dir, object, program string) (count uint64, err error) {
	spec, err := skep.Open(object)
	if err != nil {
		return 0, err
	}
	ofAge(t, spec).Maps["counts"].Pinning = maps.ByName
	coll, err := skep.Load(spec, &skep.Options{PinDir: dir})
	if err != nil {
		return 0, err
	}
	defer coll.Close()
	p, err := coll.Program(program)
	if err != nil {
		return 0, err
	}
	var per []struct{ Packets, Bytes uint64 }
	counts, err := maps.Typed[uint32, []struct{ Packets, Bytes uint64 }](coll.Maps["counts"])
	if err != nil {
		return 0, err
	}
	if err := counts.Lookup(0, &per); err != nil {
		return 0, err
	}
	for _, c := range per {
		count += c.Packets
	}
	path := filepath.Join(dir, "link")
	l, err := link.OpenPinned(path)
	if err == nil {
		defer l.Close()
		return count, l.Update(p)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	if l, err = link.AttachXDP(p, link.XDPOptions{Interface: "lo"}); err != nil {
		return 0, err
	}
	defer l.Close()
	return count, l.Pin(path)
}

func TestUpgrade(t *testing.T) {
	needKernel(t)
	inNetns(t, func() {
		dir := bpffs(t)
		if n, err := upgrade(t, dir, native("xdp"), "xdp_count"); err != nil || n != 0 {
			t.Fatalf("version 1 finds %d packets, %v", n, err)
		}
		sendLo(t, 3)
		n, err := upgrade(t, dir, native("xdp"), "xdp_pass")
		if err != nil || n < 3 {
			t.Errorf("version 2 finds %d packets, %v", n, err)
		}
		sendLo(t, 3)
		m, err := upgrade(t, dir, native("xdp"), "xdp_count")
		if err != nil || m != n {
			t.Errorf("version 3 finds %d packets, %v: version 2 does not count", m, err)
		}
		l, err := link.OpenPinned(filepath.Join(dir, "link"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.Unpin(), l.Close()); err != nil {
			t.Error(err)
		}
	})
}

// instrument counts the runs of every program of an object in a map of its own,
// by code at the start of each.
func instrument(obj *elf.Object) (*skep.Spec, []string, error) {
	spec, err := skep.NewSpec(obj)
	if err != nil {
		return nil, nil, err
	}
	spec.Name = "instrumented"
	names := spec.ProgramNames()
	spec.Maps["runs"] = &skep.MapSpec{Spec: maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: uint32(len(names))}}
	for i, name := range names {
		prologue, err := asm.Assemble(
			asm.MovReg(asm.R6, asm.R1), // no program has a use for R6 before this
			asm.StoreImm(asm.RFP, -4, int32(i), asm.SizeW),
			asm.MovReg(asm.R2, asm.RFP),
			asm.Add(asm.R2, -4),
			asm.LoadMap(asm.R1, "runs"),
			asm.Call(asm.FnMapLookupElem),
			asm.JumpIf(asm.JEq, asm.R0, 0, "back"),
			asm.Mov(asm.R1, 1),
			asm.Atomic(asm.AtomicAdd, asm.R0, 0, asm.R1, asm.SizeDW),
			asm.Label("back"),
			asm.MovReg(asm.R1, asm.R6),
		)
		if err != nil {
			return nil, nil, err
		}
		p := spec.Programs[name]
		if p.Insns, err = asm.Insert(p.Insns, 0, prologue...); err != nil {
			return nil, nil, err
		}
	}
	return spec, names, nil
}

// TestInstrument is a framework that edits instructions and maps of objects
// that others wrote, prepares them, fills maps, and loads.
func TestInstrument(t *testing.T) {
	needKernel(t)
	obj, err := elf.Parse(readTest(t, native("subprogs")))
	if err != nil {
		t.Fatal(err)
	}
	spec, names, err := instrument(obj)
	if err != nil {
		t.Fatal(err)
	}
	plain := load(t, open(t, native("subprogs")), nil)
	prep := prepare(t, spec, nil)
	if err := prep.Maps["runs"].Put(uint32(0), uint64(1000)); err != nil {
		t.Fatal(err)
	}
	coll, err := prep.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	for i, name := range names {
		for range i + 1 {
			if got, want := run(t, coll, name, 64), run(t, plain, name, 64); got != want {
				t.Errorf("%s returns %d, want %d", name, got, want)
			}
		}
		var n uint64
		want := uint64(i + 1)
		if i == 0 {
			want += 1000
		}
		if err := coll.Maps["runs"].Get(uint32(i), &n); err != nil || n != want {
			t.Errorf("%s ran %d times, want %d, %v", name, n, want, err)
		}
	}
}

// TestHandMade builds all of an object in Go.
func TestHandMade(t *testing.T) {
	needKernel(t)
	insns, err := asm.Assemble(
		asm.LoadMapValue(asm.R1, "data", 8),
		asm.LoadMem(asm.R0, asm.R1, 0, asm.SizeW),
		asm.CallFunc("double"),
		asm.Exit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	double, err := asm.Assemble(asm.AddReg(asm.R0, asm.R0), asm.Exit())
	if err != nil {
		t.Fatal(err)
	}
	// The callee gets its argument in R1, as any function.
	insns, err = asm.Insert(insns, 2, asm.MovReg(asm.R1, asm.R0))
	if err != nil {
		t.Fatal(err)
	}
	double, err = asm.Insert(double, 0, asm.MovReg(asm.R0, asm.R1))
	if err != nil {
		t.Fatal(err)
	}
	spec := &skep.Spec{
		Name: "hand", License: "MIT",
		Maps: map[string]*skep.MapSpec{"data": {Spec: maps.Spec{
			Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1,
			Contents: binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint32(make([]byte, 8), 21), 0)[:16], Freeze: true, Flags: maps.ReadOnlyProg,
		}}},
		Programs: map[string]*skep.ProgramSpec{"main": {Spec: prog.Spec{
			Name: "main", Type: prog.SocketFilter, License: "MIT", Insns: insns,
		}}},
		Funcs: map[string]*skep.FuncSpec{"double": {Name: "double", Insns: double}},
	}
	coll := load(t, spec, nil)
	if got := run(t, coll, "main", 64); got != 42 {
		t.Errorf("main returns %d", got)
	}
}

// TestNopsEverywhere puts a no-op before every instruction of every program:
// jumps, calls, source lines and CO-RE records have to follow.
func TestNopsEverywhere(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.12")
	paths, err := filepath.Glob(native("*"))
	if err != nil {
		t.Fatal(err)
	}
	spread := func(ins asm.Instructions) asm.Instructions {
		e := asm.NewEditor(ins)
		for i := range ins {
			e.Insert(i, asm.Instruction{Op: 0x05}) // goto +0
		}
		out, err := e.Apply()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	dir, programs, insns := bpffs(t), 0, 0
	for _, path := range paths {
		spec := open(t, path)
		if newest[spec.Name] != "" || slices.Contains(made, spec.Name) {
			continue // not for every kernel here; jump tables fit the code as it was
		}
		for _, r := range refusals {
			if r.object == spec.Name {
				spec.Programs[r.program].Policy = skep.Off
			}
		}
		for _, f := range spec.Funcs {
			f.Insns = spread(f.Insns)
		}
		for _, p := range spec.Programs {
			insns += len(p.Insns)
			p.Insns = spread(p.Insns)
		}
		coll, err := skep.Load(spec, &skep.Options{PinDir: filepath.Join(dir, spec.Name)})
		if err != nil {
			t.Errorf("%s: %v", spec.Name, err)
			continue
		}
		programs += len(coll.Programs)
		if err := coll.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d programs, %d no-ops", programs, insns)
}
