package systest

import (
	"fmt"

	"github.com/skepbpf/skep/internal/sys"
)

// attachedKey is an attachment of BPF_PROG_ATTACH: it stays when its
// descriptors are closed.
type attachedKey struct {
	target string
	typ    sys.AttachType
	prog   uint32
}

func (k attachedKey) String() string {
	return fmt.Sprintf("attachment of program %d to %s as %v (BPF_PROG_ATTACH without BPF_PROG_DETACH)", k.prog, k.target, k.typ)
}

// target tells what a program is attached to: an interface, whose index stands
// in place of the descriptor, a map, or the file of a cgroup or network
// namespace.
func target(fd uint32, typ sys.AttachType) string {
	switch typ {
	case sys.BPF_TCX_INGRESS, sys.BPF_TCX_EGRESS, sys.BPF_NETKIT_PRIMARY, sys.BPF_NETKIT_PEER:
		return fmt.Sprintf("interface %d", fd)
	}
	if id, ok := mapKind.id(int(fd)); ok {
		return numbered{mapKind, id}.String()
	}
	dev, ino, err := sys.FileID(int(fd))
	if err != nil {
		return fmt.Sprintf("descriptor %d", fd)
	}
	return fmt.Sprintf("file %d:%d", dev, ino)
}

func (l *ledger) attach(a *sys.ProgAttachAttr) {
	id, ok := progKind.id(int(a.AttachBpfFd))
	if !ok {
		return
	}
	key := attachedKey{target(a.TargetFd, a.AttachType), a.AttachType, id}
	replaced := uint32(0)
	if a.AttachFlags&sys.BPF_F_REPLACE != 0 {
		replaced, _ = progKind.id(int(a.ReplaceBpfFd))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Without BPF_F_ALLOW_MULTI the new program takes the place of the old.
	l.forget(key, replaced, a.AttachFlags&sys.BPF_F_ALLOW_MULTI == 0)
	l.attached[key] = l.origin()
}

func (l *ledger) detach(a *sys.ProgAttachAttr) {
	id, named := progKind.id(int(a.AttachBpfFd))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(attachedKey{target: target(a.TargetFd, a.AttachType), typ: a.AttachType}, id, !named)
}

// forget removes a program from a hook, or all of them; the lock is held.
func (l *ledger) forget(hook attachedKey, prog uint32, all bool) {
	for k := range l.attached {
		if k.target == hook.target && k.typ == hook.typ && (all || k.prog == prog) {
			delete(l.attached, k)
		}
	}
}
