package bpffs

import (
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/sys"
)

// Kind is what is pinned.
type Kind uint8

// The kinds. Unknown is all that can be said without procfs.
const (
	Unknown Kind = iota
	Map
	Program
	Link
	Directory
)

// String is what people call it.
func (k Kind) String() string {
	return [...]string{"unknown object", "map", "program", "link", "directory"}[min(k, Directory)]
}

// KindOf looks at what is pinned at a path: the infos of maps, programs and
// links have different shapes, and the kernel fills in any of them.
func KindOf(path string) (Kind, error) {
	st, err := sys.StatFile(path)
	if err != nil {
		return Unknown, err
	}
	if st.Mode&fs.ModeDir != 0 {
		return Directory, nil
	}
	fd, err := sys.ObjGet(&sys.ObjAttr{Pathname: sys.StringPtr(path)})
	if err != nil {
		return Unknown, err
	}
	defer fd.Close()
	raw, err := fd.Borrow()
	if err != nil {
		return Unknown, err
	}
	defer fd.Release()
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(raw))
	if err != nil {
		return Unknown, nil
	}
	switch name = strings.ReplaceAll(strings.TrimPrefix(name, "anon_inode:"), "_", "-"); name {
	case "bpf-map":
		return Map, nil
	case "bpf-prog":
		return Program, nil
	case "bpf-link", "bpf-raw-tracepoint":
		return Link, nil
	}
	return Unknown, nil
}
