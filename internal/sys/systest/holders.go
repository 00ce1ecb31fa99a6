package systest

import (
	"fmt"
	stdmaps "maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/skepbpf/skep/internal/sys"
)

func sortedObjects(m map[numbered]origin) []numbered {
	return slices.SortedFunc(stdmaps.Keys(m), func(a, b numbered) int {
		if a.kind != b.kind {
			return int(a.kind) - int(b.kind)
		}
		return int(a.id) - int(b.id)
	})
}

// holders tells who keeps an object alive, as far as that can be seen: a line
// each.
func (l *ledger) holders(o numbered, pins []string) string {
	var who []string
	who = append(who, o.descriptors()...)
	for _, dir := range append(bpffsMounts(), pins...) {
		who = append(who, o.pinned(dir)...)
	}
	who = append(who, o.users()...)
	l.mu.Lock()
	for k := range l.attached {
		if o == (numbered{progKind, k.prog}) {
			who = append(who, "attached to "+k.target)
		}
	}
	l.mu.Unlock()
	if len(who) == 0 {
		return "held by nobody that can be seen: a slot of a map, a perf event, netlink, or the kernel is slow\n"
	}
	slices.Sort(who)
	return "held by " + strings.Join(slices.Compact(who), ", ") + "\n"
}

// descriptors are those of any process.
func (o numbered) descriptors() (who []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	for _, name := range files {
		if o.in(name) {
			part := strings.Split(name, "/")
			who = append(who, "descriptor "+part[4]+" of process "+part[2])
		}
	}
	return who
}

// in reports whether a file of fdinfo is one of o's descriptors. A link's
// names its program too.
func (o numbered) in(name string) bool {
	text, err := os.ReadFile(name)
	if err != nil || o.kind != linkKind && strings.Contains(string(text), "\nlink_id:") {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == kinds[o.kind].line && f[1] == strconv.Itoa(int(o.id)) {
			return true
		}
	}
	return false
}

func bpffsMounts() (dirs []string) {
	text, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 3 && f[2] == "bpf" {
			dirs = append(dirs, f[1])
		}
	}
	return dirs
}

func (o numbered) pinned(dir string) (who []string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		attr := sys.ObjAttr{Pathname: sys.StringPtr(path)}
		fd, errno := sys.DirectBPF(sys.BPF_OBJ_GET, unsafe.Pointer(&attr), unsafe.Sizeof(attr), nil)
		if errno != 0 {
			return nil
		}
		defer closeRaw(int(fd))
		if o.in("/proc/self/fdinfo/" + strconv.Itoa(int(fd))) {
			who = append(who, "pin "+path)
		}
		return nil
	})
	return who
}

// users are the links of a program and the programs of a map.
func (o numbered) users() (who []string) {
	switch o.kind {
	case progKind:
		each(linkKind, func(id uint32, fd int) {
			var info sys.LinkInfo
			if infoOf(fd, &info) && info.ProgId == o.id {
				who = append(who, fmt.Sprintf("link %d (%v)", id, info.Type))
			}
		})
	case mapKind:
		each(progKind, func(id uint32, fd int) {
			ids := make([]uint32, 64)
			info := sys.ProgInfo{NrMapIds: uint32(len(ids)), MapIds: sys.SlicePtr(ids)}
			if infoOf(fd, &info) && slices.Contains(ids[:min(int(info.NrMapIds), len(ids))], o.id) {
				who = append(who, fmt.Sprintf("program %d (%s)", id, sys.NameString(info.Name[:])))
			}
		})
	}
	return who
}

// each opens every object of a kind on the machine.
func each(k kind, f func(id uint32, fd int)) {
	for attr := (sys.GetIDAttr{}); direct(kinds[k].next, &attr); attr.StartId = attr.NextId {
		if fd := (numbered{k, attr.NextId}).openID(); fd >= 0 {
			f(attr.NextId, fd)
			closeRaw(fd)
		}
	}
}

// closeRaw closes a descriptor that nobody was told of.
func closeRaw(raw int) { _ = os.NewFile(uintptr(raw), "").Close() }
