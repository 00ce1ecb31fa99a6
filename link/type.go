package link

import (
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/sys"
)

// Type is the kernel's kind of a bpf_link (enum bpf_link_type).
type Type uint32

// The link types of Linux 7.3. TypeNone stands for attachments without a
// bpf_link.
const (
	TypeNone          Type = Type(sys.BPF_LINK_TYPE_UNSPEC)
	TypeRawTracepoint Type = Type(sys.BPF_LINK_TYPE_RAW_TRACEPOINT)
	TypeTracing       Type = Type(sys.BPF_LINK_TYPE_TRACING)
	TypeCgroup        Type = Type(sys.BPF_LINK_TYPE_CGROUP)
	TypeIter          Type = Type(sys.BPF_LINK_TYPE_ITER)
	TypeNetns         Type = Type(sys.BPF_LINK_TYPE_NETNS)
	TypeXDP           Type = Type(sys.BPF_LINK_TYPE_XDP)
	TypePerfEvent     Type = Type(sys.BPF_LINK_TYPE_PERF_EVENT)
	TypeKprobeMulti   Type = Type(sys.BPF_LINK_TYPE_KPROBE_MULTI)
	TypeStructOps     Type = Type(sys.BPF_LINK_TYPE_STRUCT_OPS)
	TypeNetfilter     Type = Type(sys.BPF_LINK_TYPE_NETFILTER)
	TypeTCX           Type = Type(sys.BPF_LINK_TYPE_TCX)
	TypeUprobeMulti   Type = Type(sys.BPF_LINK_TYPE_UPROBE_MULTI)
	TypeNetkit        Type = Type(sys.BPF_LINK_TYPE_NETKIT)
	TypeSockmap       Type = Type(sys.BPF_LINK_TYPE_SOCKMAP)
	TypeTracingMulti  Type = Type(sys.BPF_LINK_TYPE_TRACING_MULTI)
)

// String is the kernel's name without its prefix, in lower case, such as
// "perf_event".
func (t Type) String() string {
	if t == TypeNone {
		return "none"
	}
	return bin.Lower(strings.TrimPrefix(sys.LinkType(t).String(), "BPF_LINK_TYPE_"))
}

// Updatable reports whether the program of such a link can be replaced
// (Link.Update): whether the kind has an update_prog operation in the kernel.
// For the others BPF_LINK_UPDATE answers EINVAL, which says nothing. Of a
// TypeStructOps link the map can be replaced (StructOps.UpdateMap).
func (t Type) Updatable() bool {
	switch t {
	case TypeCgroup, TypeIter, TypeNetns, TypeXDP, TypeTCX, TypeNetkit, TypeSockmap:
		return true
	}
	return false
}
