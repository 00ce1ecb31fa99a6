package maps

import (
	"fmt"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
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
	return false, fmt.Errorf("%w (this kernel charges maps to RLIMIT_MEMLOCK, which is %d bytes and cannot be raised: CAP_SYS_RESOURCE is missing)", err, soft)
}

// privilege adds what is missing, where that is certain: the process has not
// even the capability in its own user namespace.
func (c *creation) privilege(form *Spec, err error) error {
	caps, cerr := sys.Capabilities()
	if cerr != nil || caps&(1<<sys.CAP_SYS_ADMIN) != 0 || c.o.Token != nil {
		return err
	}
	switch {
	case caps&(1<<sys.CAP_BPF) == 0:
		return fmt.Errorf("%w (CAP_BPF is missing; before Linux 5.8, CAP_SYS_ADMIN)", err)
	case form.Type.has(netAdmin) && caps&(1<<sys.CAP_NET_ADMIN) == 0:
		return fmt.Errorf("%w (a %v needs CAP_NET_ADMIN too)", err, form.Type)
	}
	return err
}
