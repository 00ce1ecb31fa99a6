package systest

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"unsafe"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// Kernel is a fake kernel. It answers bpf(2) without privileges: descriptors
// are real (empty files in memory, so that they can be duplicated and closed),
// what they refer to is kept here. It checks what any kernel checks of an
// attribute, stores maps' contents, and takes programs and BTF as they are: it
// verifies nothing. Maps that can be mapped map as zeroes, apart from what
// lookup gives, and not shared between pins. Commands it does not know are
// EINVAL, as on an old kernel.
//
// Its methods are safe for concurrent use.
type Kernel struct {
	// CPUs is the number of possible CPUs, for per-CPU values. Default 1.
	CPUs int
	// Verify, if set, is asked about each program before it is loaded; what it
	// writes goes to the log. Set it before the first call.
	Verify func(p *Prog) (log string, errno sys.Errno)
	// Refuse, if set, is asked first about each command; an errno other than 0
	// is the answer. It is how a kernel that lacks something is played.
	Refuse func(cmd sys.Cmd, attr unsafe.Pointer) sys.Errno
	// Run, if set, is BPF_PROG_TEST_RUN: data in, return value and data out.
	Run func(p *Prog, data []byte) (retval uint32, out []byte)

	mu      sync.Mutex
	nextID  uint32
	objects map[uint64]*object // by inode of the descriptor's file
	pins    map[string]*object
	attach  []attachment
	modules []*object // BTF that no descriptor keeps
	calls   []sys.Cmd
	lacks   []feature.ID
}

// object is a map, program, link or BTF object. Exactly one of the four is set.
type object struct {
	id   uint32
	m    *Map
	p    *Prog
	l    *Link
	b    *BTF
	refs int // open descriptors
}

type attachment struct {
	target uint32
	typ    sys.AttachType
	prog   uint32
}

// NewKernel installs a fake kernel until the test ends.
func NewKernel(t testing.TB) *Kernel {
	t.Helper()
	k := &Kernel{CPUs: 1, objects: map[uint64]*object{}, pins: map[string]*object{}}
	install(t, func(below *sys.Seam) *sys.Seam {
		layer := *below
		layer.BPF = k.bpf
		layer.FDOpened = func(raw int) {
			k.count(raw, 1)
			if below.FDOpened != nil {
				below.FDOpened(raw)
			}
		}
		layer.FDClosed = func(raw int) {
			k.count(raw, -1)
			if below.FDClosed != nil {
				below.FDClosed(raw)
			}
		}
		return &layer
	})
	return k
}

// handlers answer the commands. Each gets the attribute as the struct that
// package sys passes for it, and copies what it keeps.
var handlers = map[sys.Cmd]func(k *Kernel, attr unsafe.Pointer) (uintptr, sys.Errno){
	sys.BPF_MAP_CREATE:                 with((*Kernel).mapCreate),
	sys.BPF_MAP_LOOKUP_ELEM:            with((*Kernel).lookup),
	sys.BPF_MAP_UPDATE_ELEM:            with((*Kernel).update),
	sys.BPF_MAP_DELETE_ELEM:            with((*Kernel).delete),
	sys.BPF_MAP_GET_NEXT_KEY:           with((*Kernel).nextKey),
	sys.BPF_MAP_LOOKUP_AND_DELETE_ELEM: with((*Kernel).lookupAndDelete),
	sys.BPF_MAP_FREEZE:                 with((*Kernel).freeze),
	sys.BPF_PROG_LOAD:                  with((*Kernel).progLoad),
	sys.BPF_PROG_TEST_RUN:              with((*Kernel).testRun),
	sys.BPF_PROG_BIND_MAP:              with((*Kernel).bindMap),
	sys.BPF_BTF_LOAD:                   with((*Kernel).btfLoad),
	sys.BPF_OBJ_PIN:                    with((*Kernel).pin),
	sys.BPF_OBJ_GET:                    with((*Kernel).get),
	sys.BPF_OBJ_GET_INFO_BY_FD:         with((*Kernel).info),
	sys.BPF_LINK_CREATE:                with((*Kernel).linkCreate),
	sys.BPF_RAW_TRACEPOINT_OPEN:        with((*Kernel).rawTracepoint),
	sys.BPF_LINK_UPDATE:                with((*Kernel).linkUpdate),
	sys.BPF_LINK_DETACH:                with((*Kernel).linkDetach),
	sys.BPF_PROG_ATTACH:                with((*Kernel).progAttach),
	sys.BPF_PROG_DETACH:                with((*Kernel).progDetach),
	sys.BPF_MAP_GET_NEXT_ID:            with(nextID(func(o *object) bool { return o.m != nil })),
	sys.BPF_PROG_GET_NEXT_ID:           with(nextID(func(o *object) bool { return o.p != nil })),
	sys.BPF_LINK_GET_NEXT_ID:           with(nextID(func(o *object) bool { return o.l != nil })),
	sys.BPF_BTF_GET_NEXT_ID:            with(nextID(func(o *object) bool { return o.b != nil })),
	sys.BPF_MAP_GET_FD_BY_ID:           with(byID(func(o *object) bool { return o.m != nil })),
	sys.BPF_PROG_GET_FD_BY_ID:          with(byID(func(o *object) bool { return o.p != nil })),
	sys.BPF_LINK_GET_FD_BY_ID:          with(byID(func(o *object) bool { return o.l != nil })),
	sys.BPF_BTF_GET_FD_BY_ID:           with(byID(func(o *object) bool { return o.b != nil })),
}

// with turns a handler of one attribute type into one of the table.
func with[A any](h func(*Kernel, *A) (uintptr, sys.Errno)) func(*Kernel, unsafe.Pointer) (uintptr, sys.Errno) {
	return func(k *Kernel, attr unsafe.Pointer) (uintptr, sys.Errno) { return h(k, (*A)(attr)) }
}

func (k *Kernel) bpf(cmd sys.Cmd, attr unsafe.Pointer, _ uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, cmd)
	if k.Refuse != nil {
		if errno := k.Refuse(cmd, attr); errno != 0 {
			return 0, errno
		}
	}
	h := handlers[cmd]
	if h == nil || common != nil {
		return 0, sys.EINVAL
	}
	return h(k, attr)
}

// Calls is every command so far, in order.
func (k *Kernel) Calls() []sys.Cmd {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.calls)
}

// open makes a descriptor of o: of an empty file in memory, whose inode stands
// for the object in every duplicate. The lock is released meanwhile, for the
// file passes the seam; so handlers do this last.
func (k *Kernel) open(o *object) (uintptr, sys.Errno) {
	k.mu.Unlock()
	raw, ino, err := newFile(o.m.fileSize())
	k.mu.Lock()
	if err != nil {
		return 0, sys.EMFILE
	}
	k.objects[ino] = o
	return uintptr(raw), 0
}

func newFile(size int64) (raw int, ino uint64, err error) {
	fd, err := sys.MemfdCreate("fake bpf")
	if err != nil {
		return -1, 0, err
	}
	if raw, err = fd.Detach(); err != nil {
		return -1, 0, err
	}
	if size > 0 {
		if err := os.Truncate("/proc/self/fd/"+strconv.Itoa(raw), size); err != nil {
			return -1, 0, err
		}
	}
	_, ino, err = sys.FileID(raw)
	return raw, ino, err
}

// add gives o an id and a descriptor.
func (k *Kernel) add(o *object) (uintptr, sys.Errno) {
	k.nextID++
	o.id = k.nextID
	switch {
	case o.m != nil:
		o.m.ID = o.id
	case o.p != nil:
		o.p.ID = o.id
	case o.l != nil:
		o.l.ID = o.id
	case o.b != nil:
		o.b.ID = o.id
	}
	return k.open(o)
}

// find is the object of a descriptor, nil if it is none of ours.
func (k *Kernel) find(raw int) *object {
	_, ino, err := sys.FileID(raw)
	if err != nil {
		return nil
	}
	return k.objects[ino]
}

// count follows the descriptors that package sys owns.
func (k *Kernel) count(raw, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ino, err := sys.FileID(raw)
	if err != nil || k.objects[ino] == nil {
		return
	}
	k.objects[ino].refs += n
}

// live are the objects with an open descriptor, a pin, or a user that is live:
// a link keeps its program, a program its maps. Sorted by id.
func (k *Kernel) live() []*object {
	all := map[uint32]*object{}
	var queue []*object
	for _, o := range k.objects {
		all[o.id] = o
		if o.refs > 0 {
			queue = append(queue, o)
		}
	}
	for _, o := range k.pins {
		queue = append(queue, o)
	}
	queue = append(queue, k.modules...)
	for _, a := range k.attach {
		queue = append(queue, all[a.prog])
	}
	alive := map[uint32]*object{}
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		if o == nil || alive[o.id] != nil {
			continue
		}
		alive[o.id] = o
		for _, id := range o.uses() {
			queue = append(queue, all[id])
		}
	}
	list := make([]*object, 0, len(alive))
	for _, o := range alive {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b *object) int { return int(a.id) - int(b.id) })
	return list
}

// uses are the ids that o keeps alive.
func (o *object) uses() []uint32 {
	switch {
	case o.p != nil:
		return o.p.Maps
	case o.l != nil:
		return []uint32{o.l.Prog}
	case o.m != nil:
		return o.m.holds()
	}
	return nil
}
