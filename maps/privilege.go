package maps

import (
	"strconv"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/probe"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/refusal"
)

// noLimit is RLIM_INFINITY.
const noLimit = ^uint64(0)

// memlock raises RLIMIT_MEMLOCK on a kernel that charges maps to it: before
// Linux 5.11 the kernel says EPERM if the limit is too low.
func (c *creation) memlock(err error) (again bool, why error) {
	if c.raised {
		return false, err
	}
	soft, hard, lerr := sys.Memlock()
	if lerr != nil {
		return false, err
	}
	if _, perr := c.ask(nil, []feature.ID{feature.MemcgAccount}); perr != nil || c.o.Features.Get(feature.MemcgAccount) != feature.No {
		return false, err
	}
	c.raised = true
	if soft == noLimit {
		return true, nil // lifted since by another load, or by the probe
	}
	if sys.SetMemlock(noLimit, noLimit) == nil {
		return true, nil
	}
	if soft < hard && sys.SetMemlock(hard, hard) == nil {
		return true, nil
	}
	return false, &refusal.Error{
		Cause: refusal.Memlock, Caps: diagnose.SysResource.Names(), Detail: strconv.FormatUint(soft, 10), Err: err,
	}
}

// open is the set of types that take no capability where the sysctl
// kernel.unprivileged_bpf_disabled is 0 (map_create).
const open = uint64(1<<Array | 1<<PerCPUArray | 1<<ProgArray | 1<<PerfEventArray | 1<<CgroupArray |
	1<<ArrayOfMaps | 1<<Hash | 1<<RHash | 1<<PerCPUHash | 1<<HashOfMaps | 1<<RingBuf | 1<<UserRingBuf |
	1<<CgroupStorage | 1<<PerCPUCgroupStorage)

// diagnose gives err its cause.
func (c *creation) diagnose(form *Spec, err error) error {
	a := diagnose.Ask{
		Needs: diagnose.BPF, Open: form.Type < 64 && open>>form.Type&1 != 0, Memlock: true, Token: c.o.Token,
		Rights: diagnose.Rights{Cmd: sys.BPF_MAP_CREATE, Map: sys.MapType(form.Type)},
		Probe: func() error {
			if err := c.probe(func(token int) error { return probe.MapType(sys.MapType(form.Type), token) }); err != nil || form.ExclusiveHash == nil {
				return err
			}
			return c.probe(probe.ExclusiveMaps)
		},
	}
	if form.Type.has(netAdmin) {
		// Before Linux 6.9 CAP_SYS_ADMIN did not do.
		a.Needs |= diagnose.NetAdmin
		a.Plain = diagnose.NetAdmin
	}
	return diagnose.Explain(err, &a)
}

func (c *creation) probe(ask func(token int) error) error {
	token := 0
	if c.o.Token != nil {
		fd, err := c.o.Token.Borrow()
		if err != nil {
			return err
		}
		defer c.o.Token.Release()
		token = fd
	}
	return ask(token)
}
