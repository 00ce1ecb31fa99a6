package systest

import (
	"slices"
	"unsafe"

	"github.com/skepbpf/skep/internal/sys"
)

// Link is a fake link.
type Link struct {
	ID       uint32
	Type     sys.LinkType // BPF_LINK_TYPE_UNSPEC where the fake cannot tell
	Prog     uint32       // id
	Target   uint32
	Attach   sys.AttachType
	Flags    uint32
	Name     string // of a raw tracepoint
	Detached bool
}

// linkTypes tell the type of a link by where its program attaches.
var linkTypes = map[sys.AttachType]sys.LinkType{
	sys.BPF_XDP: sys.BPF_LINK_TYPE_XDP, sys.BPF_PERF_EVENT: sys.BPF_LINK_TYPE_PERF_EVENT,
	sys.BPF_TCX_INGRESS: sys.BPF_LINK_TYPE_TCX, sys.BPF_TCX_EGRESS: sys.BPF_LINK_TYPE_TCX,
	sys.BPF_NETKIT_PRIMARY: sys.BPF_LINK_TYPE_NETKIT, sys.BPF_NETKIT_PEER: sys.BPF_LINK_TYPE_NETKIT,
	sys.BPF_TRACE_FENTRY: sys.BPF_LINK_TYPE_TRACING, sys.BPF_TRACE_FEXIT: sys.BPF_LINK_TYPE_TRACING,
	sys.BPF_MODIFY_RETURN: sys.BPF_LINK_TYPE_TRACING, sys.BPF_LSM_MAC: sys.BPF_LINK_TYPE_TRACING,
	sys.BPF_TRACE_RAW_TP: sys.BPF_LINK_TYPE_TRACING, sys.BPF_TRACE_ITER: sys.BPF_LINK_TYPE_ITER,
	sys.BPF_FLOW_DISSECTOR: sys.BPF_LINK_TYPE_NETNS, sys.BPF_SK_LOOKUP: sys.BPF_LINK_TYPE_NETNS,
	sys.BPF_TRACE_KPROBE_MULTI: sys.BPF_LINK_TYPE_KPROBE_MULTI, sys.BPF_TRACE_UPROBE_MULTI: sys.BPF_LINK_TYPE_UPROBE_MULTI,
	sys.BPF_NETFILTER: sys.BPF_LINK_TYPE_NETFILTER, sys.BPF_STRUCT_OPS: sys.BPF_LINK_TYPE_STRUCT_OPS,
	sys.BPF_CGROUP_INET_INGRESS: sys.BPF_LINK_TYPE_CGROUP, sys.BPF_CGROUP_INET_EGRESS: sys.BPF_LINK_TYPE_CGROUP,
	sys.BPF_CGROUP_INET_SOCK_CREATE: sys.BPF_LINK_TYPE_CGROUP, sys.BPF_CGROUP_SOCK_OPS: sys.BPF_LINK_TYPE_CGROUP,
}

// linkCreate sees the part that all variants of the attribute begin with.
func (k *Kernel) linkCreate(a *sys.LinkCreateAttr) (uintptr, sys.Errno) {
	o := k.find(int(a.ProgFd))
	if o == nil || o.p == nil && (o.m == nil || a.AttachType != sys.BPF_STRUCT_OPS) {
		return 0, sys.EBADF
	}
	return k.addLink(&Link{Type: linkTypes[a.AttachType], Prog: o.id, Target: a.TargetFd, Attach: a.AttachType, Flags: a.Flags})
}

func (k *Kernel) rawTracepoint(a *sys.RawTracepointOpenAttr) (uintptr, sys.Errno) {
	p := k.progOf(a.ProgFd)
	if p == nil {
		return 0, sys.EBADF
	}
	typ := sys.BPF_LINK_TYPE_RAW_TRACEPOINT
	if a.Name.IsNull() {
		typ = sys.BPF_LINK_TYPE_TRACING
	}
	return k.addLink(&Link{Type: typ, Prog: p.ID, Name: cstring(a.Name)})
}

func (k *Kernel) addLink(l *Link) (uintptr, sys.Errno) {
	return k.add(&object{l: l})
}

func (k *Kernel) linkUpdate(a *sys.LinkUpdateAttr) (uintptr, sys.Errno) {
	o, next := k.find(int(a.LinkFd)), k.find(int(a.NewProgFd))
	if o == nil || o.l == nil || next == nil {
		return 0, sys.EBADF
	}
	if a.Flags&sys.BPF_F_REPLACE != 0 {
		if old := k.find(int(a.OldProgFd)); old == nil || old.id != o.l.Prog {
			return 0, sys.EPERM
		}
	}
	o.l.Prog = next.id
	return 0, 0
}

func (k *Kernel) linkDetach(a *sys.LinkDetachAttr) (uintptr, sys.Errno) {
	o := k.find(int(a.LinkFd))
	if o == nil || o.l == nil {
		return 0, sys.EBADF
	}
	o.l.Detached = true
	return 0, 0
}

func (k *Kernel) progAttach(a *sys.ProgAttachAttr) (uintptr, sys.Errno) {
	p := k.progOf(a.AttachBpfFd)
	if p == nil {
		return 0, sys.EBADF
	}
	k.attach = append(k.attach, attachment{a.TargetFd, a.AttachType, p.ID})
	return 0, 0
}

func (k *Kernel) progDetach(a *sys.ProgAttachAttr) (uintptr, sys.Errno) {
	p := k.progOf(a.AttachBpfFd)
	i := slices.IndexFunc(k.attach, func(at attachment) bool {
		return at.target == a.TargetFd && at.typ == a.AttachType && (p == nil || p.ID == at.prog)
	})
	if i < 0 {
		return 0, sys.ENOENT
	}
	k.attach = slices.Delete(k.attach, i, i+1)
	return 0, 0
}

func (k *Kernel) pin(a *sys.ObjAttr) (uintptr, sys.Errno) {
	path, o := cstring(a.Pathname), k.find(int(a.BpfFd))
	switch {
	case o == nil || path == "":
		return 0, sys.EINVAL
	case k.pins[path] != nil:
		return 0, sys.EEXIST
	}
	k.pins[path] = o
	return 0, 0
}

func (k *Kernel) get(a *sys.ObjAttr) (uintptr, sys.Errno) {
	o := k.pins[cstring(a.Pathname)]
	if o == nil {
		return 0, sys.ENOENT
	}
	return k.open(o)
}

// nextID makes the handler of a GET_NEXT_ID command.
func nextID(is func(*object) bool) func(*Kernel, *sys.GetIDAttr) (uintptr, sys.Errno) {
	return func(k *Kernel, a *sys.GetIDAttr) (uintptr, sys.Errno) {
		for _, o := range k.live() {
			if is(o) && o.id > a.StartId {
				a.NextId = o.id
				return 0, 0
			}
		}
		return 0, sys.ENOENT
	}
}

// byID makes the handler of a GET_FD_BY_ID command.
func byID(is func(*object) bool) func(*Kernel, *sys.GetIDAttr) (uintptr, sys.Errno) {
	return func(k *Kernel, a *sys.GetIDAttr) (uintptr, sys.Errno) {
		for _, o := range k.live() {
			if is(o) && o.id == a.StartId {
				return k.open(o)
			}
		}
		return 0, sys.ENOENT
	}
}

// info writes what is plain data; buffers get nothing, except BTF's.
func (k *Kernel) info(a *sys.ObjInfoAttr) (uintptr, sys.Errno) {
	o := k.find(int(a.BpfFd))
	if o == nil {
		return 0, sys.EBADF
	}
	switch {
	case o.m != nil:
		c := &o.m.Attr
		return 0, putInfo(a, &sys.MapInfo{
			Type: c.MapType, Id: o.id, KeySize: c.KeySize, ValueSize: c.ValueSize, MaxEntries: c.MaxEntries,
			MapFlags: c.MapFlags, Name: c.MapName, BtfKeyTypeId: c.BtfKeyTypeId, BtfValueTypeId: c.BtfValueTypeId,
			BtfVmlinuxValueTypeId: c.BtfVmlinuxValueTypeId, MapExtra: c.MapExtra,
		})
	case o.p != nil:
		return 0, putInfo(a, &sys.ProgInfo{
			Type: o.p.Attr.ProgType, Id: o.id, Name: o.p.Attr.ProgName, XlatedProgLen: uint32(len(o.p.Insns)),
			NrMapIds: uint32(len(o.p.Maps)), AttachBtfId: o.p.Attr.AttachBtfId,
		})
	case o.l != nil:
		return 0, putInfo(a, &sys.LinkInfo{Type: o.l.Type, Id: o.id, ProgId: o.l.Prog})
	}
	return 0, o.btfInfo(a)
}

func putInfo[I any](a *sys.ObjInfoAttr, info *I) sys.Errno {
	n := min(a.InfoLen, uint32(unsafe.Sizeof(*info)))
	write(a.Info, unsafe.Slice((*byte)(unsafe.Pointer(info)), n))
	a.InfoLen = n
	return 0
}
