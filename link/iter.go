package link

import (
	"errors"
	"io"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// Iter is the link of an iterator program. Open runs it.
type Iter struct{ *bpfLink }

// CgroupOrder is the way an iterator walks from its cgroup.
type CgroupOrder uint32

// The orders. CgroupDefault is for iterators over other things.
const (
	CgroupDefault  CgroupOrder = CgroupOrder(sys.BPF_CGROUP_ITER_ORDER_UNSPEC)
	CgroupSelf     CgroupOrder = CgroupOrder(sys.BPF_CGROUP_ITER_SELF_ONLY)        // only the cgroup
	CgroupPre      CgroupOrder = CgroupOrder(sys.BPF_CGROUP_ITER_DESCENDANTS_PRE)  // then those below, parents first
	CgroupPost     CgroupOrder = CgroupOrder(sys.BPF_CGROUP_ITER_DESCENDANTS_POST) // those below, children first
	CgroupUp       CgroupOrder = CgroupOrder(sys.BPF_CGROUP_ITER_ANCESTORS_UP)     // and all above
	CgroupChildren CgroupOrder = CgroupOrder(sys.BPF_CGROUP_ITER_CHILDREN)         // those right below. Requires Linux 7.0.
)

// IterOptions says what an iterator walks over. The zero value is everything;
// at most one of Map, the cgroup fields and the task fields may be set.
type IterOptions struct {
	// Map whose elements or sockets are visited.
	Map MapRef
	// Cgroup to begin at: its directory. Requires Linux 6.1.
	CgroupPath  string
	CgroupOrder CgroupOrder
	// The only thread, the threads of a process, or the process that a pidfd
	// stands for. Requires Linux 6.1.
	TID   int
	PID   int
	PidFD int
}

// AttachIter makes the link of a program with attach type TraceIter. Requires
// Linux 5.8.
func AttachIter(p *prog.Program, o IterOptions) (*Iter, error) {
	l, err := attachIter(p, &o)
	if err != nil {
		return nil, mkerr.Wrap("attach iterator: %w", explainTracing(err))
	}
	return l, nil
}

func attachIter(p *prog.Program, o *IterOptions) (*Iter, error) {
	pfd, pf, err := borrowProgram(p, prog.Tracing)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	attr := sys.LinkCreateIterAttr{ProgFd: uint32(pfd), AttachType: sys.BPF_TRACE_ITER}
	held, err := o.fill(&attr)
	if err != nil {
		return nil, err
	}
	defer held.release()
	fd, err := sys.LinkCreate(&attr)
	if err != nil {
		if o.task() && errors.Is(err, sys.E2BIG) {
			return nil, mkerr.Errorf("%w (%w)", err, errNoTaskIter())
		}
		return nil, err
	}
	l := &Iter{&bpfLink{fd: fd, form: FormLink, typ: TypeIter}}
	if o.task() {
		if err := l.checkTask(); err != nil {
			return nil, mkerr.Join(err, l.Close())
		}
	}
	return l, nil
}

// task reports whether only some tasks are to be visited.
func (o *IterOptions) task() bool { return o.TID != 0 || o.PID != 0 || o.PidFD != 0 }

func errNoTaskIter() error {
	return &feature.UnsupportedError{Name: "iterators of one task", Since: "6.1"}
}

// checkTask asks whether the kernel took the task. Older ones see no more of
// union bpf_iter_link_info than a map's descriptor, which iterators over tasks
// ignore: they would visit them all. It does not ask by Info, which would bring
// what describes links of every kind into each program that attaches.
func (l *Iter) checkTask() error {
	fd, err := l.fd.Borrow()
	if err != nil {
		return mkerr.Wrap("link info: %w", err)
	}
	defer l.fd.Release()
	in, err := iterInfo(fd)
	if err != nil {
		return mkerr.Wrap("link info: %w", err)
	}
	if d, ok := in.(IterInfo); ok && d.TID == 0 && d.PID == 0 {
		return errNoTaskIter()
	}
	return nil
}

// held is a descriptor in use for the length of one call.
type held struct {
	fd   *sys.FD
	ours bool // opened for the call
}

func (h held) release() {
	if h.fd == nil {
		return
	}
	h.fd.Release()
	if h.ours {
		h.fd.Close()
	}
}

// fill puts the target into attr.
func (o *IterOptions) fill(attr *sys.LinkCreateIterAttr) (held, error) {
	task := o.task()
	cgroup := o.CgroupPath != "" || o.CgroupOrder != CgroupDefault
	switch n := btoi(o.Map != nil) + btoi(cgroup) + btoi(task); {
	case n > 1:
		return held{}, errors.New("want one of map, cgroup and task")
	case o.Map != nil:
		h := held{fd: o.Map.MapFD()}
		fd, err := h.fd.Borrow()
		if err != nil {
			return held{}, mkerr.Wrap("map: %w", err)
		}
		setIterInfo(attr, &sys.IterLinkInfoMap{MapFd: uint32(fd)})
		return h, nil
	case cgroup:
		return o.fillCgroup(attr)
	case task && btoi(o.TID != 0)+btoi(o.PID != 0)+btoi(o.PidFD != 0) != 1:
		return held{}, errors.New("want one of thread, process and pidfd")
	case o.TID < 0 || o.PID < 0 || o.PidFD < 0:
		return held{}, errors.New("negative task")
	case task:
		setIterInfo(attr, &sys.IterLinkInfoTask{Tid: uint32(o.TID), Pid: uint32(o.PID), PidFd: uint32(o.PidFD)})
	}
	return held{}, nil
}

func (o *IterOptions) fillCgroup(attr *sys.LinkCreateIterAttr) (held, error) {
	in := &sys.IterLinkInfoCgroup{Order: sys.CgroupIterOrder(o.CgroupOrder)}
	setIterInfo(attr, in)
	if o.CgroupPath == "" {
		return held{}, nil // the root
	}
	dir, err := openTarget(o.CgroupPath, 0, sys.O_RDONLY|sys.O_DIRECTORY)
	if err != nil {
		return held{}, err
	}
	fd, err := dir.Borrow()
	if err != nil {
		return held{}, err
	}
	in.CgroupFd = uint32(fd)
	return held{dir, true}, nil
}

// setIterInfo points attr at one member of union bpf_iter_link_info, whose
// size is that of its largest.
func setIterInfo[T sys.IterLinkInfoMap | sys.IterLinkInfoCgroup | sys.IterLinkInfoTask](attr *sys.LinkCreateIterAttr, in *T) {
	attr.IterInfo = sys.PtrTo(in)
	attr.IterInfoLen = 16
}

// Open starts one run of the program: reading gives what it writes by
// bpf_seq_write and bpf_seq_printf. The caller closes the reader.
func (l *Iter) Open() (io.ReadCloser, error) {
	fd, err := l.fd.Borrow()
	if err != nil {
		return nil, mkerr.Wrap("open iterator: %w", err)
	}
	defer l.fd.Release()
	run, err := sys.IterCreate(&sys.IterCreateAttr{LinkFd: uint32(fd)})
	if err != nil {
		return nil, mkerr.Wrap("open iterator: %w", err)
	}
	return &iterReader{run}, nil
}

// iterReader reads one run.
type iterReader struct{ fd *sys.FD }

// Read gives io.EOF when the run is over. The kernel answers EAGAIN when a run
// visits too many objects without writing: it goes on where it was.
func (r *iterReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	fd, err := r.fd.Borrow()
	if err != nil {
		return 0, mkerr.Wrap("read iterator: %w", err)
	}
	defer r.fd.Release()
	for {
		n, err := sys.Read(fd, b)
		switch {
		case errors.Is(err, sys.EAGAIN):
			continue
		case err != nil:
			return 0, mkerr.Wrap("read iterator: %w", err)
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (r *iterReader) Close() error { return r.fd.Close() }
