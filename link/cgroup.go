package link

import (
	"errors"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// CgroupMode says how a program shares a hook of a cgroup with others.
type CgroupMode uint8

const (
	// CgroupLink makes a bpf_link, beside other programs (Linux 5.7); on
	// older kernels PROG_ATTACH with the semantics of CgroupMulti, which are
	// the same but for what happens if the process dies: see Info.
	CgroupLink CgroupMode = iota
	// CgroupMulti is PROG_ATTACH beside other programs of the cgroup and of
	// those below it (BPF_F_ALLOW_MULTI). Requires Linux 4.15.
	CgroupMulti
	// CgroupOverride is PROG_ATTACH of the only program, which cgroups below
	// may replace by their own (BPF_F_ALLOW_OVERRIDE). Requires Linux 4.11.
	CgroupOverride
	// CgroupExclusive is PROG_ATTACH of the only program, which cgroups below
	// cannot replace. Requires Linux 4.10.
	CgroupExclusive
)

// flags of PROG_ATTACH.
func (m CgroupMode) flags() (uint32, error) {
	flags := [...]uint32{
		CgroupLink: sys.BPF_F_ALLOW_MULTI, CgroupMulti: sys.BPF_F_ALLOW_MULTI,
		CgroupOverride: sys.BPF_F_ALLOW_OVERRIDE, CgroupExclusive: 0,
	}
	if int(m) >= len(flags) {
		return 0, mkerr.Errorf("no cgroup mode %d", m)
	}
	return flags[m], nil
}

// CgroupOptions says where a cgroup program goes.
type CgroupOptions struct {
	Path string // directory of the cgroup, in a cgroup2 file system
	FD   int    // or an open descriptor of it, which stays the caller's; 0 is none
	// Attach is the hook. 0 takes the one that the program was loaded with,
	// which for programs of type CGroupSKB may be 0 as well: ingress.
	Attach prog.AttachType
	Mode   CgroupMode
	// Order among the programs of the hook. Requires Linux 6.17.
	Order Order
	// Preorder runs the program before those of the cgroups below, not after
	// them. Requires Linux 6.15.
	Preorder bool
	// Replace is the program to replace in one step, for CgroupMulti.
	// Requires Linux 5.6.
	Replace *prog.Program
}

// AttachCgroup attaches a program to a cgroup, by the mode asked for and no
// other.
func AttachCgroup(p *prog.Program, o CgroupOptions) (Link, error) {
	l, err := attachCgroup(p, &o)
	if err != nil {
		return nil, mkerr.WrapNamed("attach cgroup %s: %w", o.Path, explainPerm(err, cgroupNeeds(p)))
	}
	return l, nil
}

// cgroupNeeds are the capabilities that attaching takes: programs of type
// CGroupSKB can be loaded by anyone, and are checked here.
func cgroupNeeds(p *prog.Program) diagnose.Caps {
	if p != nil && p.Type() == prog.CGroupSKB {
		return diagnose.NetAdmin
	}
	return 0
}

func attachCgroup(p *prog.Program, o *CgroupOptions) (Link, error) {
	flags, err := o.Mode.flags()
	if err != nil {
		return nil, err
	}
	if o.Replace != nil && (o.Mode != CgroupMulti || !o.Order.zero()) {
		return nil, errors.New("only CgroupMulti, without an order, replaces a program")
	}
	pfd, pf, err := borrowProgram(p)
	if err != nil {
		return nil, err
	}
	defer pf.Release()
	dir, err := openTarget(o.Path, o.FD, sys.O_RDONLY|sys.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	at := hook(p, o.Attach)
	if o.Mode == CgroupLink {
		l, err := linkCgroup(pfd, dir, at, o)
		if err == nil || !maybeMissing(err) || !o.Order.zero() || o.Preorder || knowsLink(pfd, at, &err) {
			return l, mkerr.Join(err, dir.Close())
		}
	}
	return progAttach(p, dir, at, flags, o)
}

// hook is the attach type asked for, or that of the program.
func hook(p *prog.Program, asked prog.AttachType) sys.AttachType {
	if asked == 0 {
		asked = p.AttachType()
	}
	return sys.AttachType(asked)
}

// openTarget opens path, or duplicates the caller's descriptor.
func openTarget(path string, fd, flags int) (*sys.FD, error) {
	if (path == "") == (fd == 0) {
		return nil, errors.New("want a path or a descriptor")
	}
	if fd != 0 {
		return dupUser(fd)
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	return sys.OpenPath(path, flags)
}

// dupUser duplicates a descriptor that stays the caller's.
func dupUser(fd int) (*sys.FD, error) {
	if fd <= 2 {
		// Standard streams are no targets, and NewFD would move them.
		return nil, mkerr.Errorf("descriptor %d: %w", fd, sys.EBADF)
	}
	theirs, err := sys.NewFD(fd)
	if err != nil {
		return nil, err
	}
	own, err := theirs.Dup()
	if _, derr := theirs.Detach(); err == nil {
		err = derr
	}
	return own, err
}

// anchor is the order with the flag that only cgroups have.
func (o *CgroupOptions) anchor() (anchor, error) {
	a, err := o.Order.resolve()
	if o.Preorder {
		a.flags |= sys.BPF_F_PREORDER
	}
	return a, err
}

func linkCgroup(pfd int, dir *sys.FD, at sys.AttachType, o *CgroupOptions) (Link, error) {
	a, err := o.anchor()
	if err != nil {
		return nil, err
	}
	defer a.release()
	dfd, err := dir.Borrow()
	if err != nil {
		return nil, err
	}
	defer dir.Release()
	if a.revision != 0 && !knowsCgroupOrder(pfd, at) {
		return nil, errNoCgroupOrder()
	}
	fd, err := sys.LinkCreate(&sys.LinkCreateCgroupAttr{
		ProgFd: uint32(pfd), TargetFd: uint32(dfd), AttachType: at,
		Flags: a.flags, RelativeFd: a.relative, ExpectedRevision: a.revision,
	})
	if err != nil {
		if maybeMissing(err) && !o.Order.zero() && knowsLink(pfd, at, &err) {
			return nil, mkerr.Errorf("%w (%w)", err, errNoCgroupOrder())
		}
		return nil, err
	}
	return wrapLink(fd, TypeCgroup, FormLink, nil), nil
}

func errNoCgroupOrder() error {
	return &feature.UnsupportedError{Name: "order of cgroup programs", Since: "6.17"}
}

// knowsCgroupOrder asks for a place among the programs of no cgroup: kernels
// that have places object to the cgroup (EBADF), others to the flag. They would
// pass over a revision, which has no flag and lies behind what they read.
func knowsCgroupOrder(pfd int, at sys.AttachType) bool {
	fd, err := sys.LinkCreate(&sys.LinkCreateCgroupAttr{
		ProgFd: uint32(pfd), TargetFd: ^uint32(0), AttachType: at, Flags: sys.BPF_F_BEFORE,
	})
	if err == nil {
		fd.Close()
		return true
	}
	return !maybeMissing(err)
}

// progAttach attaches by BPF_PROG_ATTACH. It takes dir over.
func progAttach(p *prog.Program, dir *sys.FD, at sys.AttachType, flags uint32, o *CgroupOptions) (Link, error) {
	a, err := o.anchor()
	if err != nil {
		return nil, mkerr.Join(err, dir.Close())
	}
	defer a.release()
	att := &attachment{target: dir, at: at}
	attr := sys.ProgAttachAttr{
		AttachFlags: flags | a.flags, RelativeFd: a.relative, ExpectedRevision: a.revision,
	}
	if o.Replace != nil {
		rfd, rf, err := borrowProgram(o.Replace)
		if err != nil {
			return nil, mkerr.Join(mkerr.Wrap("replace: %w", err), dir.Close())
		}
		defer rf.Release()
		attr.AttachFlags |= sys.BPF_F_REPLACE
		attr.ReplaceBpfFd = uint32(rfd)
	}
	if err := att.attach(p, attr); err != nil {
		return nil, mkerr.Join(err, dir.Close())
	}
	att.flags = flags
	return att, nil
}
