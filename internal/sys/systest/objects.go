package systest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/skepbpf/skep/internal/sys"
)

// kind is one of the four kinds of objects that the kernel numbers.
type kind uint8

const (
	mapKind kind = iota
	progKind
	linkKind
	btfKind
)

// kinds holds the name of each, the commands that find the next number and
// open one by its number, and the line of fdinfo that tells the number.
var kinds = [...]struct {
	name       string
	next, byID sys.Cmd
	line       string
}{
	mapKind:  {"map", sys.BPF_MAP_GET_NEXT_ID, sys.BPF_MAP_GET_FD_BY_ID, "map_id:"},
	progKind: {"program", sys.BPF_PROG_GET_NEXT_ID, sys.BPF_PROG_GET_FD_BY_ID, "prog_id:"},
	linkKind: {"link", sys.BPF_LINK_GET_NEXT_ID, sys.BPF_LINK_GET_FD_BY_ID, "link_id:"},
	btfKind:  {"btf", sys.BPF_BTF_GET_NEXT_ID, sys.BPF_BTF_GET_FD_BY_ID, "btf_id:"},
}

// makers are the commands that make an object. A raw tracepoint is no link
// before Linux 5.8, and then has no number.
var makers = map[sys.Cmd]kind{
	sys.BPF_MAP_CREATE:          mapKind,
	sys.BPF_PROG_LOAD:           progKind,
	sys.BPF_BTF_LOAD:            btfKind,
	sys.BPF_LINK_CREATE:         linkKind,
	sys.BPF_RAW_TRACEPOINT_OPEN: linkKind,
}

type numbered struct {
	kind kind
	id   uint32
}

func (o numbered) String() string { return fmt.Sprintf("%s %d", kinds[o.kind].name, o.id) }

// origin is where something was made.
type origin struct {
	during string // the case of EachFault
	pcs    []uintptr
}

func (o origin) String() string {
	during := ""
	if o.during != "" {
		during = " (" + o.during + ")"
	}
	return "made" + during + " at\n" + frames(o.pcs)
}

// ledger remembers the objects that this process made in the kernel, whatever
// others on the machine make meanwhile, and what it attached without a link. It
// sits below injectors, asks the kernel past the seam, and sees nothing of a
// fake kernel installed above it.
type ledger struct {
	mu       sync.Mutex
	grace    time.Duration
	during   string
	made     map[numbered]origin
	attached map[attachedKey]origin
}

func newLedger() *ledger {
	return &ledger{grace: defaultGrace, made: map[numbered]origin{}, attached: map[attachedKey]origin{}}
}

// watch is the layer's bpf.
func (l *ledger) watch(below *sys.Seam) func(sys.Cmd, unsafe.Pointer, uintptr, *sys.CommonAttr) (uintptr, sys.Errno) {
	return func(cmd sys.Cmd, attr unsafe.Pointer, size uintptr, common *sys.CommonAttr) (uintptr, sys.Errno) {
		r, errno := forward(below, cmd, attr, size, common)
		switch c := cmd &^ sys.BPF_COMMON_ATTRS; {
		case c == sys.BPF_PROG_ATTACH && errno == 0:
			l.attach((*sys.ProgAttachAttr)(attr))
		case c == sys.BPF_PROG_DETACH && (errno == 0 || errno == sys.ENOENT):
			l.detach((*sys.ProgAttachAttr)(attr))
		case errno == 0:
			if k, ok := makers[c]; ok {
				l.add(k, int(r))
			}
		}
		return r, errno
	}
}

func (l *ledger) add(k kind, fd int) {
	id, ok := k.id(fd)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[numbered{k, id}] = l.origin()
}

// origin is the caller of package sys; the lock is held.
func (l *ledger) origin() origin {
	var pcs [32]uintptr
	return origin{l.during, append([]uintptr(nil), pcs[:runtime.Callers(4, pcs[:])]...)}
}

// id asks the kernel for the number of an object; false if it has none.
func (k kind) id(fd int) (id uint32, ok bool) {
	switch k {
	case mapKind:
		var info sys.MapInfo
		ok = infoOf(fd, &info)
		id = info.Id
	case progKind:
		var info sys.ProgInfo
		ok = infoOf(fd, &info)
		id = info.Id
	case linkKind:
		var info sys.LinkInfo
		ok = infoOf(fd, &info)
		id = info.Id
	case btfKind:
		var info sys.BtfInfo
		ok = infoOf(fd, &info)
		id = info.Id
	}
	return id, ok && id != 0
}

func infoOf[I any](fd int, info *I) bool {
	attr := sys.ObjInfoAttr{BpfFd: uint32(fd), InfoLen: uint32(unsafe.Sizeof(*info)), Info: sys.PtrTo(info)}
	return direct(sys.BPF_OBJ_GET_INFO_BY_FD, &attr)
}

func direct[A any](cmd sys.Cmd, attr *A) bool {
	_, errno := sys.DirectBPF(cmd, unsafe.Pointer(attr), unsafe.Sizeof(*attr), nil)
	return errno == 0
}

// openID is a descriptor of an object; -1 if it is gone, or may not be opened:
// that takes CAP_SYS_ADMIN.
func (o numbered) openID() int {
	attr := sys.GetIDAttr{StartId: o.id}
	fd, errno := sys.DirectBPF(kinds[o.kind].byID, unsafe.Pointer(&attr), unsafe.Sizeof(attr), nil)
	if errno != 0 {
		return -1
	}
	return int(fd)
}

// alive reports whether the number is taken; false if that may not be asked: it
// takes CAP_SYS_ADMIN. It does not open the object: closing a program array
// while the kernel is about to clear it, as its last user went, keeps it forever
// (prog_array_map_clear takes a reference for work that is scheduled already).
func (o numbered) alive() bool {
	attr := sys.GetIDAttr{StartId: o.id - 1}
	return direct(kinds[o.kind].next, &attr) && attr.NextId == o.id
}

// defaultGrace is how long the kernel may take to free what nobody holds: programs and
// BTF go after a grace period of RCU, which takes seconds on a machine that has
// far more to do than processors. Only what leaks pays for it.
const defaultGrace = 30 * time.Second

// living gives the objects made so far that exist once the grace is over, and
// forgets the others.
func (l *ledger) living() map[numbered]origin {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := time.Now().Add(l.grace)
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		for o := range l.made {
			if !o.alive() {
				delete(l.made, o)
			}
		}
		if len(l.made) == 0 || time.Now().After(end) {
			return l.made
		}
		time.Sleep(wait)
	}
}

// report says what is left: nothing if all is well.
func (l *ledger) report(pins []string) string {
	var b strings.Builder
	left := l.living()
	for _, o := range sortedObjects(left) {
		fmt.Fprintf(&b, "+1 %v, %s%v", o, l.holders(o, pins), left[o])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for key, from := range l.attached {
		lines = append(lines, fmt.Sprintf("+1 %v, %v", key, from))
	}
	slices.Sort(lines)
	return b.String() + strings.Join(lines, "")
}

func (l *ledger) label(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.during = name
}
