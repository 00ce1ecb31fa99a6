package prog_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// ipPacket is an Ethernet frame with an IPv4 header and some UDP.
func ipPacket() []byte {
	p := make([]byte, 64)
	p[12], p[13], p[14] = 8, 0, 0x45
	binary.BigEndian.PutUint16(p[16:], 50) // total length
	p[22], p[23] = 64, 17
	copy(p[26:], []byte{127, 0, 0, 1, 127, 0, 0, 1})
	binary.BigEndian.PutUint16(p[34:], 1000)
	binary.BigEndian.PutUint16(p[36:], 2000)
	binary.BigEndian.PutUint16(p[38:], 30)
	return p
}

// loadWord is a program that returns a 32-bit field of its context.
func loadWord(off int16) asm.Instructions {
	return asm.Instructions{asm.LoadMem(asm.R0, asm.R1, off, asm.SizeW), asm.Exit()}
}

// TestRunTypes runs every type that the kernel can.
func TestRunTypes(t *testing.T) {
	needKernel(t)
	packet := ipPacket()
	lookup := prog.SKLookupContext{Family: 2, Protocol: 6, RemotePort: 77, LocalPort: 8080}
	for _, tt := range []struct {
		since  string
		config string
		spec   prog.Spec
		opts   prog.RunOptions
		want   uint32
		data   int // length of the output
	}{
		{"", "", prog.Spec{Type: prog.SocketFilter, Insns: loadWord(0)}, prog.RunOptions{Data: packet}, 64 - 14, 64},
		{"", "", prog.Spec{Type: prog.SchedCLS, Insns: loadWord(0)}, prog.RunOptions{Data: packet}, 64, 64},
		{"", "", prog.Spec{Type: prog.SchedACT, Insns: loadWord(0)}, prog.RunOptions{Data: packet}, 64, 64},
		{"", "", prog.Spec{Type: prog.CGroupSKB, Insns: ret(1)}, prog.RunOptions{Data: packet}, 1, 64},
		{"", "", prog.Spec{Type: prog.XDP, Insns: ret(3)}, prog.RunOptions{Data: packet}, 3, 64},
		{"", "", prog.Spec{Type: prog.LWTXmit, Insns: ret(0)}, prog.RunOptions{Data: packet}, 0, 64},
		{"", "", prog.Spec{Type: prog.FlowDissector, Insns: ret(0)}, prog.RunOptions{Data: packet}, 0, 56},
		{"", "", prog.Spec{Type: prog.RawTracepoint, Insns: asm.Instructions{
			asm.LoadMem(asm.R0, asm.R1, 8, asm.SizeDW), asm.Exit(),
		}}, prog.RunOptions{Ctx: words64(1, 42), Flags: prog.RunOnCPU}, 42, 0},
		{"5.14", "", prog.Spec{Type: prog.SKLookup, Attach: prog.AttachSKLookup, Insns: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 60, asm.SizeW), asm.Mov(asm.R0, 1),
			{Op: asm.Opcode(sys.BPF_JMP | sys.BPF_JEQ), Dst: asm.R2, Imm: 8080, Off: 1}, asm.Mov(asm.R0, 0), asm.Exit(),
		}}, prog.RunOptions{Ctx: lookup.Bytes()}, 1, 0},
		{"6.4", "CONFIG_NETFILTER_BPF_LINK", prog.Spec{Type: prog.Netfilter, Attach: prog.AttachNetfilter, Insns: ret(1)},
			prog.RunOptions{Data: packet, DataOut: -1}, 1, 0},
	} {
		t.Run(tt.spec.Type.String(), func(t *testing.T) {
			if testutil.Require(t, tt.since); tt.config != "" {
				testutil.Require(t, "", tt.config)
			}
			noLeak(t)
			s := tt.spec
			s.Name, s.License = "run", "GPL"
			p := load(t, &s, nil)
			res, err := p.Run(&tt.opts)
			// Older kernels give whether the flow was dissected, 5.10 for one.
			same := res.Return == tt.want || s.Type == prog.FlowDissector && res.Return == 1
			if err != nil || !same || len(res.Data) != tt.data {
				t.Errorf("returned %d with %d bytes, %v; want %d with %d", res.Return, len(res.Data), err, tt.want, tt.data)
			}
		})
	}
}

func words64(w ...uint64) (b []byte) {
	for _, v := range w {
		b = binary.NativeEndian.AppendUint64(b, v)
	}
	return b
}

// TestRunSKBContext passes a context through a classifier that changes it.
func TestRunSKBContext(t *testing.T) {
	needKernel(t)
	noLeak(t)
	p := load(t, &prog.Spec{Name: "skb", Type: prog.SchedCLS, License: "GPL", Insns: asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 8, asm.SizeW), // mark
		asm.Add(asm.R2, 1),
		asm.StoreMem(asm.R1, 8, asm.R2, asm.SizeW),
		asm.LoadMem(asm.R0, asm.R1, 48+4, asm.SizeW), // cb[1]
		asm.Exit(),
	}}, nil)
	in := prog.SKBContext{Mark: 6, Priority: 3, CB: [5]uint32{0, 99}, Tstamp: 5, WireLen: 100, GSOSegs: 1}
	res, err := p.Run(&prog.RunOptions{Data: ipPacket(), Ctx: in.Bytes(), CtxOut: 256})
	if err != nil {
		t.Fatal(err)
	}
	want := in
	want.Mark = 7
	got := prog.ParseSKBContext(res.Ctx)
	want.Ifindex, want.IngressIfindex = got.Ifindex, got.IngressIfindex // loopback
	if diff := cmp.Diff(want, got); diff != "" || res.Return != 99 {
		t.Errorf("returned %d\n%s", res.Return, diff)
	}
}

func TestContextOffsets(t *testing.T) {
	var skb prog.SKBContext
	b := make([]byte, 192)
	for i := range b {
		b[i] = byte(i)
	}
	skb = prog.ParseSKBContext(b)
	back := prog.ParseSKBContext(skb.Bytes())
	if skb != back || skb.Mark != binary.NativeEndian.Uint32(b[8:]) || skb.HWTstamp != binary.NativeEndian.Uint64(b[184:]) {
		t.Errorf("%+v, back %+v", skb, back)
	}
	if short := prog.ParseSKBContext(b[:10]); short.HWTstamp != 0 || short.Priority != 0 {
		t.Errorf("%+v of ten bytes", short)
	}
	six := prog.SKLookupContext{Family: 10, Local: [16]byte{15: 1}, LocalPort: 80}
	if s := six.Bytes(); s[59] != 1 || binary.NativeEndian.Uint32(s[60:]) != 80 {
		t.Errorf("%x", s)
	}
}

func TestRunXDPContext(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.14")
	noLeak(t)
	// Returns the length of the metadata.
	p := load(t, &prog.Spec{Name: "meta", Type: prog.XDP, License: "GPL", Insns: asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 0, asm.SizeW),
		asm.LoadMem(asm.R2, asm.R1, 8, asm.SizeW),
		asm.SubReg(asm.R0, asm.R2),
		asm.Exit(),
	}}, nil)
	data := make([]byte, 80)
	ctx := prog.XDPContext{Meta: 8}
	res, err := p.Run(&prog.RunOptions{Data: data, Ctx: ctx.Bytes(len(data))})
	if err != nil || res.Return != 8 {
		t.Errorf("returned %d, %v", res.Return, err)
	}
}

// TestRunLiveFrames counts the frames that a program drops.
func TestRunLiveFrames(t *testing.T) {
	needKernel(t)
	noLeak(t)
	m := newMap(t)
	p := load(t, &prog.Spec{
		Name: "live", Type: prog.XDP, License: "GPL", Maps: map[string]prog.MapRef{"m": m},
		Insns: asm.Instructions{
			asm.LoadMapValue(asm.R1, "m", 0),
			asm.LoadMem(asm.R2, asm.R1, 0, asm.SizeDW), asm.Add(asm.R2, 1), asm.StoreMem(asm.R1, 0, asm.R2, asm.SizeDW),
			asm.Mov(asm.R0, 1), asm.Exit(), // XDP_DROP
		},
	}, nil)
	_, err := p.Run(&prog.RunOptions{Data: ipPacket(), Flags: prog.RunLiveFrames, Repeat: 100, BatchSize: 16})
	if !testutil.KernelAtLeast(t, "5.18") {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("on an older kernel: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := value(t, m); n != 100 {
		t.Errorf("%d frames of 100", n)
	}
	if _, err := p.Run(&prog.RunOptions{Data: ipPacket(), Flags: prog.RunLiveFrames, BatchSize: 1000}); !errors.Is(err, sys.E2BIG) {
		t.Errorf("a batch of 1000: %v", err)
	}
}

// value is the first value of an array map.
func value(t *testing.T, m arrayMap) uint64 {
	t.Helper()
	fd, err := m.fd.Borrow()
	if err != nil {
		t.Fatal(err)
	}
	defer m.fd.Release()
	key, val := make([]byte, 4), make([]byte, 8)
	if err := sys.MapLookupElem(&sys.MapElemAttr{MapFd: uint32(fd), Key: sys.BytesPtr(key), Value: sys.BytesPtr(val)}); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(val)
}

// TestRunUnsupported asks for types that no kernel runs.
func TestRunUnsupported(t *testing.T) {
	needKernel(t)
	noLeak(t)
	for _, s := range []prog.Spec{
		{Type: prog.CGroupSock, Attach: prog.AttachCGroupInetSockCreate, Insns: ret(1)},
		{Type: prog.SockOps, Insns: ret(1)},
		{Type: prog.PerfEvent, Insns: ret(0)},
	} {
		s.Name, s.License = "run", "GPL"
		p := load(t, &s, nil)
		_, err := p.Run(nil)
		want := fmt.Sprintf("program run: run: test run of type %s: not supported by this kernel", s.Type)
		if !errors.Is(err, errors.ErrUnsupported) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestRunTracing calls the kernel's own test functions.
func TestRunTracing(t *testing.T) {
	needKernel(t)
	k := btf.NewKernelAt(kernel.FS("/"))
	defer k.Close()
	s := &prog.Spec{
		Name: "traced", Type: prog.Tracing, License: "GPL", Attach: prog.AttachTraceFentry,
		Target: prog.Target{Name: "bpf_fentry_test1"}, Insns: ret(0),
	}
	testutil.RequireTrampolines(t, fentry.Try)
	p := load(t, s, &prog.Options{Kernel: k})
	if _, err := p.Run(nil); err != nil {
		t.Error(err)
	}
}

func TestStreams(t *testing.T) {
	needKernel(t)
	if !testutil.KernelAtLeast(t, "6.17") {
		p := load(t, &prog.Spec{Name: "mute", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
		if _, err := p.Stdout().Read(make([]byte, 8)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("on an older kernel: %v", err)
		}
		return
	}
	p, err := loadObject(t, "stream", "shout").Program("shout")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs string
	for n := range uint32(3) {
		r, err := p.Run(&prog.RunOptions{Ctx: binary.NativeEndian.AppendUint32(nil, n)})
		// The kernel takes memory without waiting, which some machines never
		// have (kmalloc_nolock).
		switch ret := int32(r.Return); {
		case err != nil || ret != 0 && ret != -int32(sys.ENOMEM):
			t.Fatalf("returned %d, %v", ret, err)
		case ret == 0:
			out, errs = out+fmt.Sprintf("n is %d\n", n), errs+"oh\n"
		}
	}
	t.Logf("wrote %q", out)
	read := func(r io.Reader, want string) {
		t.Helper()
		got, err := io.ReadAll(bufio.NewReaderSize(onlyReader{r}, 16))
		if string(got) != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	read(p.Stdout(), out)
	read(p.Stderr(), errs)
	read(p.Stdout(), "")
}

// onlyReader reads three bytes at a time.
type onlyReader struct{ r io.Reader }

func (o onlyReader) Read(b []byte) (int, error) { return o.r.Read(b[:min(3, len(b))]) }

// TestNewCommands plays kernels that lack them, and one that has them.
func TestNewCommands(t *testing.T) {
	k := systest.NewKernel(t)
	p, err := prog.Load(&prog.Spec{Name: "x", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.AssocStructOps(nil); err == nil {
		t.Error("no map was taken")
	}
	m := arrayMap{p.ProgFD()} // any descriptor
	var attr sys.ProgAssocStructOpsAttr
	k.Refuse = func(cmd sys.Cmd, a unsafe.Pointer) sys.Errno {
		switch cmd {
		case sys.BPF_PROG_ASSOC_STRUCT_OPS:
			attr = *(*sys.ProgAssocStructOpsAttr)(a)
			return sys.EBUSY
		case sys.BPF_PROG_STREAM_READ_BY_FD, sys.BPF_PROG_BIND_MAP:
			return sys.EINVAL
		}
		return 0
	}
	if err := p.AssocStructOps(m); !errors.Is(err, sys.EBUSY) || attr.ProgFd == 0 || attr.MapFd != attr.ProgFd {
		t.Errorf("%v, %+v", err, attr)
	}
	if err := p.BindMap(m); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("bind: %v", err)
	}
	if _, err := io.Copy(io.Discard, p.Stderr()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("stream: %v", err)
	}
	if n, err := p.Stdout().Read(nil); n != 0 || err != nil {
		t.Errorf("read nothing: %d, %v", n, err)
	}
}
