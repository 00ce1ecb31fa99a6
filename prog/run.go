package prog

import (
	"errors"
	"slices"
	"time"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/version"
)

// RunFlags change how a test run is done.
type RunFlags uint32

const (
	// RunOnCPU runs a RawTracepoint program on RunOptions.CPU. Requires Linux
	// 5.10.
	RunOnCPU RunFlags = sys.BPF_F_TEST_RUN_ON_CPU
	// RunLiveFrames gives an XDP program Repeat frames and does with them what
	// it returns: passes them to the stack as if the loopback device, or
	// the one that the context names, had received them, sends or redirects
	// them. There is no output. Requires Linux 5.18.
	RunLiveFrames RunFlags = sys.BPF_F_TEST_XDP_LIVE_FRAMES
	// RunChecksumComplete gives an skb a checksum of its whole data. Requires
	// Linux 6.18.
	RunChecksumComplete RunFlags = sys.BPF_F_TEST_SKB_CHECKSUM_COMPLETE
)

// RunOptions are the input of a test run; nil is no input.
type RunOptions struct {
	// Data is the packet. Types that need one get 64 zero bytes if it is
	// empty.
	Data []byte
	// DataOut limits the bytes of Result.Data. 0 is len(Data) and 512 more,
	// which leaves room for what XDP and skb programs usually prepend;
	// negative is none.
	DataOut int
	// Ctx is the context, in the layout of the program type's struct, such as
	// SKBContext.Bytes gives it. It is copied.
	Ctx []byte
	// CtxOut limits the bytes of Result.Ctx. It must be 0 for types that
	// give no context back.
	CtxOut int
	// Repeat is how often to run; 0 is once.
	Repeat uint32
	Flags  RunFlags
	CPU    uint32 // with RunOnCPU
	// BatchSize is how many frames are in flight at once with RunLiveFrames;
	// 0 is 64, at most 256.
	BatchSize uint32
}

// RunResult is the outcome of a test run.
type RunResult struct {
	Return   uint32        // what the program returned, the last time
	Data     []byte        // the packet afterwards; of a FlowDissector, struct bpf_flow_keys
	Ctx      []byte        // the context afterwards
	Duration time.Duration // of one run, on average
}

// needPacket are the types whose test run wants at least an Ethernet header.
var needPacket = [...]bool{
	SocketFilter: true, SchedCLS: true, SchedACT: true, XDP: true, CGroupSKB: true,
	LWTIn: true, LWTOut: true, LWTXmit: true, LWTSeg6Local: true,
	FlowDissector: true, Netfilter: true,
}

func (p *Program) needPacket() bool { return int(p.typ) < len(needPacket) && needPacket[p.typ] }

const (
	emptyPacket = 64  // the least that Ethernet sends, and more than any header
	outRoom     = 512 // XDP_PACKET_HEADROOM is 256
)

// Run runs the program on test input (BPF_PROG_TEST_RUN). If the output is
// longer than its limit, the result holds what fits, with an error that wraps
// ENOSPC. Requires Linux 4.12.
//
// Types that run on a packet need nothing else: SocketFilter, SchedCLS,
// SchedACT, XDP, CGroupSKB, LWT…; FlowDissector since Linux 5.1, Netfilter since
// 6.4. Those with a context need one: RawTracepoint (5.10), SKLookup (5.14),
// Syscall (5.14). A Tracing program on a function (5.7) takes no input: the
// kernel calls its own test functions, bpf_fentry_test1 and so on, and returns
// the side effect and value of those that may be modified. A type that the
// kernel cannot run gives an error that Is errors.ErrUnsupported.
func (p *Program) Run(o *RunOptions) (RunResult, error) {
	if o == nil {
		o = &RunOptions{}
	}
	var res RunResult
	err := p.with("run", func(fd int) error {
		var err error
		res, err = p.run(fd, o)
		return p.explainRun(o, err)
	})
	return res, err
}

func (p *Program) run(fd int, o *RunOptions) (RunResult, error) {
	live := o.Flags&RunLiveFrames != 0
	in := slices.Clone(o.Data)
	if len(in) == 0 && p.needPacket() {
		in = make([]byte, emptyPacket)
	}
	out := make([]byte, max(o.DataOut, 0))
	if o.DataOut == 0 && p.needPacket() && !live {
		out = make([]byte, len(in)+outRoom)
	}
	ctx := slices.Clone(o.Ctx)
	ctxOut := make([]byte, max(o.CtxOut, 0))
	// A buffer without a size means to kernels that there is no limit: the
	// pointers of empty buffers are null.
	attr := sys.ProgTestRunAttr{
		ProgFd:      uint32(fd),
		DataIn:      sys.BytesPtr(in),
		DataSizeIn:  uint32(len(in)),
		DataOut:     sys.BytesPtr(out),
		DataSizeOut: uint32(len(out)),
		CtxIn:       sys.BytesPtr(ctx),
		CtxSizeIn:   uint32(len(ctx)),
		CtxOut:      sys.BytesPtr(ctxOut),
		CtxSizeOut:  uint32(len(ctxOut)),
		Repeat:      o.Repeat,
		Flags:       uint32(o.Flags),
		Cpu:         o.CPU,
		BatchSize:   o.BatchSize,
	}
	err := sys.ProgTestRun(&attr)
	res := RunResult{Return: attr.Retval, Duration: time.Duration(attr.Duration)}
	if err != nil && attr.DataSizeOut <= uint32(len(out)) && attr.CtxSizeOut <= uint32(len(ctxOut)) {
		return RunResult{}, err
	}
	if n := min(int(attr.DataSizeOut), len(out)); n > 0 {
		res.Data = out[:n]
	}
	switch n := min(int(attr.CtxSizeOut), len(ctxOut)); {
	case n > 0:
		res.Ctx = ctxOut[:n]
	case p.typ == Syscall:
		res.Ctx = ctx // written in place
	}
	if err != nil {
		err = mkerr.Errorf("output of %d and %d bytes is cut: %w", attr.DataSizeOut, attr.CtxSizeOut, err)
	}
	return res, err
}

// runSince are the releases that brought test runs of types that were there
// before.
var runSince = [...]string{
	FlowDissector: "5.1", Tracing: "5.7", RawTracepoint: "5.10", SKLookup: "5.14", Syscall: "5.14", Netfilter: "6.4",
}

// runFlagSince are those of flags.
var runFlagSince = [...]struct {
	flag         RunFlags
	name         string
	major, minor uint16
}{
	{RunOnCPU, "test runs on a chosen CPU", 5, 10},
	{RunLiveFrames, "live frames", 5, 18},
	{RunChecksumComplete, "test runs with a checksum", 6, 18},
}

// explainRun says what the kernel lacks for a run that it refused.
func (p *Program) explainRun(o *RunOptions, err error) error {
	switch {
	case errors.Is(err, sys.ENOTSUPP):
		err := &feature.UnsupportedError{Name: "test run of type " + p.typ.String()}
		if int(p.typ) < len(runSince) {
			err.Since = runSince[p.typ]
		}
		return err
	case errors.Is(err, sys.EINVAL), errors.Is(err, sys.E2BIG):
		for _, f := range runFlagSince {
			if o.Flags&f.flag != 0 && older(f.major, f.minor) {
				since := version.V{Major: f.major, Minor: f.minor}
				return mkerr.Errorf("%w: %w", err, &feature.UnsupportedError{Name: f.name, Since: since.String()})
			}
		}
	}
	return err
}
