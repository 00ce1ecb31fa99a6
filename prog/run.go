package prog

import (
	"fmt"
	"slices"
	"time"

	"github.com/skepbpf/skep/internal/sys"
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
	// Ctx is the context, in the layout of the program type's struct. It is
	// copied.
	Ctx []byte
	// CtxOut limits the bytes of Result.Ctx. It must be 0 for types that
	// give no context back.
	CtxOut int
	// Repeat is how often to run; 0 is once.
	Repeat uint32
	// Flags are BPF_F_TEST_RUN_ON_CPU, BPF_F_TEST_XDP_LIVE_FRAMES and the like.
	Flags uint32
	// CPU to run on, with BPF_F_TEST_RUN_ON_CPU. Requires Linux 5.10.
	CPU uint32
	// BatchSize with BPF_F_TEST_XDP_LIVE_FRAMES. Requires Linux 5.18.
	BatchSize uint32
}

// RunResult is the outcome of a test run.
type RunResult struct {
	Return   uint32        // what the program returned, the last time
	Data     []byte        // the packet afterwards
	Ctx      []byte        // the context afterwards
	Duration time.Duration // of one run, on average
}

// needPacket are the types whose test run wants at least an Ethernet header.
var needPacket = map[Type]bool{
	SocketFilter: true, SchedCLS: true, SchedACT: true, XDP: true, CGroupSKB: true,
	LWTIn: true, LWTOut: true, LWTXmit: true, LWTSeg6Local: true,
	FlowDissector: true, Netfilter: true,
}

const (
	emptyPacket = 64  // the least that Ethernet sends, and more than any header
	outRoom     = 512 // XDP_PACKET_HEADROOM is 256
)

// Run runs the program on test input (BPF_PROG_TEST_RUN). If the output is
// longer than its limit, the result holds what fits, with an error that wraps
// ENOSPC. Requires Linux 4.12; which types can be run depends on the kernel.
func (p *Program) Run(o *RunOptions) (RunResult, error) {
	if o == nil {
		o = &RunOptions{}
	}
	var res RunResult
	err := p.with("run", func(fd int) error {
		var err error
		res, err = p.run(fd, o)
		return err
	})
	return res, err
}

func (p *Program) run(fd int, o *RunOptions) (RunResult, error) {
	live := o.Flags&sys.BPF_F_TEST_XDP_LIVE_FRAMES != 0
	in := slices.Clone(o.Data)
	if len(in) == 0 && needPacket[p.typ] {
		in = make([]byte, emptyPacket)
	}
	out := make([]byte, max(o.DataOut, 0))
	if o.DataOut == 0 && needPacket[p.typ] && !live {
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
		Flags:       o.Flags,
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
		err = fmt.Errorf("output of %d and %d bytes is cut: %w", attr.DataSizeOut, attr.CtxSizeOut, err)
	}
	return res, err
}
