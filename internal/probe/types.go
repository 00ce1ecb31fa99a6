package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// shape is what a program of a type must have for the kernel to look at it at
// all; types that are not listed need nothing.
type shape struct {
	attach sys.AttachType
	flags  uint32
	btf    bool // is verified against a type
}

var shapes = [...]shape{
	sys.BPF_PROG_TYPE_CGROUP_SOCK_ADDR: {attach: sys.BPF_CGROUP_INET4_CONNECT},
	sys.BPF_PROG_TYPE_CGROUP_SOCKOPT:   {attach: sys.BPF_CGROUP_GETSOCKOPT},
	sys.BPF_PROG_TYPE_SK_LOOKUP:        {attach: sys.BPF_SK_LOOKUP},
	sys.BPF_PROG_TYPE_NETFILTER:        {attach: sys.BPF_NETFILTER},
	sys.BPF_PROG_TYPE_LIRC_MODE2:       {attach: sys.BPF_LIRC_MODE2},
	sys.BPF_PROG_TYPE_SYSCALL:          {flags: sys.BPF_F_SLEEPABLE},
	sys.BPF_PROG_TYPE_TRACING:          {attach: sys.BPF_TRACE_RAW_TP, btf: true},
	sys.BPF_PROG_TYPE_LSM:              {attach: sys.BPF_LSM_MAC, btf: true},
	sys.BPF_PROG_TYPE_EXT:              {btf: true},
	sys.BPF_PROG_TYPE_STRUCT_OPS:       {btf: true},
}

func shapeOf(t sys.ProgType) (s shape) {
	if t < sys.ProgType(len(shapes)) {
		s = shapes[t]
	}
	return s
}

// verify loads a program of a type for its log. A type that the kernel does
// not have is refused before its verifier begins, and writes none.
func (a *asker) verify(t sys.ProgType, insns ...insn) (log []byte, err error) {
	s := shapeOf(t)
	p := program{typ: t, attach: s.attach, flags: s.flags, insns: insns, log: make([]byte, 1<<14)}
	if s.btf {
		p.target = 1 // an int in every kernel: no target of anything
	}
	err = a.loads(p)
	if i := bytes.IndexByte(p.log, 0); i >= 0 {
		p.log = p.log[:i]
	}
	return p.log, err
}

// ProgType is nil if the kernel has programs of a type, a
// *feature.UnsupportedError if it has none, and any other error if it cannot
// be told. token is as in Ask.
func ProgType(t sys.ProgType, token int) error {
	a := &asker{token: token}
	log, err := a.verify(t, clear0, exit)
	if err == nil || len(log) > 0 {
		return nil
	}
	return a.unsupported(err, "program type "+t.String(), loadSocketFilter)
}

// unsupported reads an error as a "no" if it can be one and control passes.
func (a *asker) unsupported(err error, what string, control func(*asker) error) error {
	if !isAny(err, invalid) {
		return mkerr.WrapNamed("probe %s: %w", what, err)
	}
	if cerr := control(a); cerr != nil {
		return mkerr.Errorf("probe %s: %w (control: %w)", what, err, cerr)
	}
	return &feature.UnsupportedError{Name: what}
}

// refusals are how verifiers say that a program of this type cannot call a
// function, for all that came since Linux 4.1.
var refusals = [][]byte{
	[]byte("invalid func "),
	[]byte("unknown func "),
	[]byte("program of this type cannot use helper "),
}

// Helper tells, as ProgType does, whether programs of a type can call a
// helper. Of types that are verified against a target it cannot be told.
func Helper(t sys.ProgType, id sys.FuncID, token int) error {
	what := fmt.Sprintf("helper %d of program type %s", id, t)
	if shapeOf(t).btf {
		return mkerr.Named("probe %s: needs a target", what)
	}
	a := &asker{token: token}
	log, err := a.verify(t, call(id), clear0, exit)
	for _, r := range refusals {
		if err != nil && bytes.Contains(log, r) {
			return &feature.UnsupportedError{Name: what}
		}
	}
	if err == nil || len(log) > 0 {
		return nil // refused for its arguments, which are none
	}
	return a.unsupported(err, "program type "+t.String(), loadSocketFilter)
}

// mapShape is what a map of a type needs; types that are not listed are made
// with a key and a value of 4 bytes and one entry.
type mapShape struct {
	typ                 sys.MapType
	key, value, entries uint32
	flags               uint32
	prepare             func(*asker, *sys.MapCreateAttr) (*sys.FD, error)
}

var mapShapes = [...]mapShape{
	{sys.BPF_MAP_TYPE_STACK_TRACE, 4, 8, 1, 0, nil},
	{sys.BPF_MAP_TYPE_LPM_TRIE, 8, 8, 1, sys.BPF_F_NO_PREALLOC, nil},
	{sys.BPF_MAP_TYPE_RHASH, 4, 4, 1, sys.BPF_F_NO_PREALLOC, nil},
	{sys.BPF_MAP_TYPE_CGROUP_STORAGE, 16, 8, 0, 0, nil},
	{sys.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, 16, 8, 0, 0, nil},
	{sys.BPF_MAP_TYPE_QUEUE, 0, 4, 1, 0, nil},
	{sys.BPF_MAP_TYPE_STACK, 0, 4, 1, 0, nil},
	{sys.BPF_MAP_TYPE_BLOOM_FILTER, 0, 4, 1, 0, nil},
	{sys.BPF_MAP_TYPE_RINGBUF, 0, 0, 0, 0, onePage},
	{sys.BPF_MAP_TYPE_USER_RINGBUF, 0, 0, 0, 0, onePage},
	{sys.BPF_MAP_TYPE_ARENA, 0, 0, 1, sys.BPF_F_MMAPABLE, nil},
	{sys.BPF_MAP_TYPE_INSN_ARRAY, 4, 16, 1, 0, nil},
	{sys.BPF_MAP_TYPE_SK_STORAGE, 4, 4, 0, sys.BPF_F_NO_PREALLOC, typed},
	{sys.BPF_MAP_TYPE_INODE_STORAGE, 4, 4, 0, sys.BPF_F_NO_PREALLOC, typed},
	{sys.BPF_MAP_TYPE_TASK_STORAGE, 4, 4, 0, sys.BPF_F_NO_PREALLOC, typed},
	{sys.BPF_MAP_TYPE_CGRP_STORAGE, 4, 4, 0, sys.BPF_F_NO_PREALLOC, typed},
	{sys.BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0, inner},
	{sys.BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 1, 0, inner},
	{sys.BPF_MAP_TYPE_STRUCT_OPS, 4, 4, 1, 0, notStructOps},
}

func onePage(_ *asker, attr *sys.MapCreateAttr) (*sys.FD, error) {
	attr.MaxEntries = uint32(os.Getpagesize())
	return nil, nil
}

// typed gives the map types: key and value are ints.
func typed(a *asker, attr *sys.MapCreateAttr) (*sys.FD, error) {
	fd, err := a.loadBTF(blobInt())
	if err != nil {
		return nil, err
	}
	attr.BtfKeyTypeId, attr.BtfValueTypeId = 1, 1
	return fd, keep(fd, &attr.BtfFd)
}

// inner gives the map a map to hold.
func inner(a *asker, attr *sys.MapCreateAttr) (*sys.FD, error) {
	fd, err := a.array(4, 0)
	if err != nil {
		return nil, err
	}
	return fd, keep(fd, &attr.InnerMapFd)
}

// keep borrows fd until it is closed, after the map was made.
func keep(fd *sys.FD, to *uint32) error {
	raw, err := fd.Borrow()
	*to = uint32(raw)
	return err
}

// notStructOps names a type that is no struct_ops value, which a kernel with
// such maps answers with ENOTSUPP.
func notStructOps(_ *asker, attr *sys.MapCreateAttr) (*sys.FD, error) {
	attr.BtfVmlinuxValueTypeId = 1
	return nil, nil
}

// MapType tells, as ProgType does, whether the kernel has maps of a type.
func MapType(t sys.MapType, token int) error {
	a := &asker{token: token}
	err := a.mapType(t)
	if err == nil || t == sys.BPF_MAP_TYPE_STRUCT_OPS && errors.Is(err, sys.ENOTSUPP) {
		return nil
	}
	return a.unsupported(err, "map type "+t.String(), createArray)
}

func (a *asker) mapType(t sys.MapType) error {
	s := mapShape{t, 4, 4, 1, 0, nil}
	for i := range mapShapes {
		if mapShapes[i].typ == t {
			s = mapShapes[i]
		}
	}
	attr := sys.MapCreateAttr{MapType: t, KeySize: s.key, ValueSize: s.value, MaxEntries: s.entries, MapFlags: s.flags}
	if a.token != 0 {
		attr.MapFlags |= sys.BPF_F_TOKEN_FD
		attr.MapTokenFd = int32(a.token)
	}
	if s.prepare != nil {
		fd, err := s.prepare(a, &attr)
		if fd != nil {
			defer fd.Close()
			defer fd.Release()
		}
		if err != nil {
			return mkerr.Errorf("what it needs: %v", err)
		}
	}
	fd, err := lifted(func() (*sys.FD, error) { return sys.MapCreate(&attr) })
	if err != nil {
		return err
	}
	return fd.Close()
}
