package link

import (
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/prog"
)

// TracepointOptions says where a tracepoint program goes.
type TracepointOptions struct {
	Category, Name string // as in tracefs under events/: "sched", "sched_switch"
	// Cookie is what bpf_get_attach_cookie gives. Requires Linux 5.15.
	Cookie uint64
	// Tracefs is where tracefs is mounted; "" finds it, and where it is not
	// mounted opens it without mounting (Linux 5.2).
	Tracefs string
}

// AttachTracepoint attaches a program of type Tracepoint. Requires Linux 4.7.
func AttachTracepoint(p *prog.Program, o TracepointOptions) (Link, error) {
	e, err := o.open()
	if err != nil {
		return nil, mkerr.Errorf("attach tracepoint %s/%s: %w", o.Category, o.Name, err)
	}
	l, err := attachEvent(p, e, o.Cookie)
	if err != nil {
		return nil, mkerr.Errorf("attach tracepoint %s/%s: %w", o.Category, o.Name, err)
	}
	return l, nil
}

func (o *TracepointOptions) open() (*probeEvent, error) {
	if err := checkTracepoint(o.Category, o.Name); err != nil {
		return nil, err
	}
	t, err := kernel.OpenTracefs(o.Tracefs)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	id, err := tracepointID(t, o.Category, o.Name)
	if err != nil {
		return nil, err
	}
	// Programs of a tracepoint run for every hit on every CPU, whatever the
	// scope of the event through which they were attached.
	fd, err := openTracepoint(id, -1, 0)
	if err != nil {
		return nil, err
	}
	return &probeEvent{fd: fd, info: PerfEventInfo{Event: PerfTracepoint, Name: o.Name}}, nil
}
