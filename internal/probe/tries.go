package probe

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

func tryProgName(a *asker) error {
	p := socketFilter()
	p.name = "skep_probe"
	return a.loads(p)
}

// tryGlobalData stores through the address of a map's value.
func tryGlobalData(a *asker) error {
	return a.withArray(32, func(fd int) error {
		p := socketFilter()
		store := insn{op: sys.BPF_ST | sys.BPF_MEM | sys.BPF_DW, dst: 1, imm: 42}
		p.insns = append(append(mapValue(fd, 16), store), p.insns...)
		return a.loads(p)
	})
}

func (a *asker) withArray(size uint32, f func(fd int) error) error {
	m, err := a.array(size, 0)
	if err != nil {
		// Arrays are as old as bpf(2): no answer of theirs is about anything
		// else. The text hides the errno from the reading as "no".
		return mkerr.Errorf("array map: %v", err)
	}
	return with(m, f)
}

func createArrayAndLoad(a *asker) error { return mkerr.Join(createArray(a), loadSocketFilter(a)) }

func tryArrayMmap(a *asker) error {
	fd, err := a.array(4, sys.BPF_F_MMAPABLE)
	if err != nil {
		return err
	}
	return fd.Close()
}

// cgroupSock may have an attach type other than 0 since there are attach
// types for programs.
func cgroupSock(attach sys.AttachType) program {
	return program{typ: sys.BPF_PROG_TYPE_CGROUP_SOCK, attach: attach, insns: []insn{clear0, exit}}
}

func tryExpAttachType(a *asker) error {
	return a.loads(cgroupSock(sys.BPF_CGROUP_INET_SOCK_CREATE))
}

func controlCgroupSock(a *asker) error { return a.loads(cgroupSock(0)) }

// tryProbeRead calls bpf_probe_read_kernel(fp-8, 8, 0).
func tryProbeRead(a *asker) error {
	return a.loads(tracepoint(
		insn{op: sys.BPF_ALU64 | sys.BPF_MOV | sys.BPF_X, dst: 1, src: 10},
		insn{op: sys.BPF_ALU64 | sys.BPF_ADD, dst: 1, imm: -8},
		insn{op: sys.BPF_ALU64 | sys.BPF_MOV, dst: 2, imm: 8},
		insn{op: sys.BPF_ALU64 | sys.BPF_MOV, dst: 3},
		call(sys.BPF_FUNC_probe_read_kernel),
	))
}

func tryBindMap(a *asker) error {
	return a.withArray(32, func(m int) error {
		p, err := a.load(socketFilter())
		if err != nil {
			return mkerr.Errorf("socket filter: %v", err)
		}
		return with(p, func(p int) error {
			return sys.ProgBindMap(&sys.ProgBindMapAttr{ProgFd: uint32(p), MapFd: uint32(m)})
		})
	})
}

// tryModuleBTF asks BTF for its name: the field came with BTF of modules.
func tryModuleBTF(a *asker) error {
	fd, err := a.loadBTF(blobInt())
	if err != nil {
		if isAny(err, invalid) && loadSocketFilter(a) == nil {
			return errMissing // no BTF at all
		}
		return mkerr.Errorf("BTF: %v", err)
	}
	return with(fd, func(fd int) error {
		name := make([]byte, 16)
		return sys.ObjGetInfoByFD(fd, &sys.BtfInfo{Name: sys.BytesPtr(name), NameLen: uint32(len(name))})
	})
}

// tryMemcg calls a helper of the release (5.11) in which maps and programs
// began to be charged to the memory cgroup: the accounting itself shows
// nowhere.
func tryMemcg(a *asker) error {
	return a.loads(program{
		typ:   sys.BPF_PROG_TYPE_SOCKET_FILTER,
		insns: []insn{call(sys.BPF_FUNC_ktime_get_coarse_ns), clear0, exit},
	})
}

func tryCookie(a *asker) error {
	return a.loads(tracepoint(call(sys.BPF_FUNC_get_attach_cookie)))
}

const badFD = ^uint32(0)

// tryPerfLink links to a descriptor that is none: a kernel that knows the link
// says EBADF, any other EINVAL.
func tryPerfLink(a *asker) error {
	p, err := a.load(tracepoint())
	if err != nil {
		return mkerr.Errorf("tracepoint program: %v", err)
	}
	return with(p, func(p int) error {
		return expect(sys.EBADF, func() (*sys.FD, error) {
			return sys.LinkCreate(&sys.LinkCreatePerfEventAttr{
				ProgFd: uint32(p), TargetFd: badFD, AttachType: sys.BPF_PERF_EVENT,
			})
		})
	})
}

// expect wants a link to fail with a certain errno. EINVAL and E2BIG are how
// a kernel without the link answers; whatever else is no answer.
func expect(want sys.Errno, link func() (*sys.FD, error)) error {
	fd, err := link()
	switch {
	case err == nil:
		_ = fd.Close()
		return errors.New("a link to nothing succeeded")
	case errors.Is(err, want):
		return nil
	case isAny(err, []error{sys.EINVAL, sys.E2BIG, sys.EOPNOTSUPP, sys.EBADF}):
		return errMissing
	}
	return err
}

// tryUprobeMulti links to "/", which holds no code: EBADF from a kernel that
// knows the link. One whose process filter works (6.6 with its fixes) rejects
// process -1 before it looks at the path, with EINVAL.
func tryUprobeMulti(a *asker) error {
	p, err := a.load(program{
		typ: sys.BPF_PROG_TYPE_KPROBE, attach: sys.BPF_TRACE_UPROBE_MULTI, insns: []insn{clear0, exit},
	})
	if err != nil {
		if isAny(err, invalid) && a.loads(program{typ: sys.BPF_PROG_TYPE_KPROBE, insns: []insn{clear0, exit}}) == nil {
			return errMissing
		}
		return mkerr.Errorf("kprobe program: %v", err)
	}
	return with(p, func(p int) error {
		link := func(pid uint32) func() (*sys.FD, error) {
			return func() (*sys.FD, error) {
				offset := make([]uint64, 1)
				return sys.LinkCreate(&sys.LinkCreateUprobeMultiAttr{
					ProgFd: uint32(p), TargetFd: badFD, AttachType: sys.BPF_TRACE_UPROBE_MULTI,
					Path: sys.StringPtr("/"), Offsets: sys.SlicePtr(offset), Cnt: 1, Pid: pid,
				})
			}
		}
		if err := expect(sys.EBADF, link(0)); err != nil {
			return err
		}
		return expect(sys.EINVAL, link(^uint32(0)))
	})
}

// tryCtxTag passes the context to a function whose argument is a void pointer
// but for its tag, and which needs the context for a helper.
func tryCtxTag(a *asker) error {
	fd, err := a.loadBTF(blobCtx())
	if err != nil {
		if isAny(err, invalid) && loadSocketFilter(a) == nil {
			return errMissing // not even declaration tags
		}
		return mkerr.Errorf("BTF: %v", err)
	}
	return with(fd, func(fd int) error {
		var funcs []byte
		for _, w := range [...]uint32{0, 4, 2, 6} { // slot 0 is type 4, slot 2 type 6
			funcs = binary.NativeEndian.AppendUint32(funcs, w)
		}
		sub := insn{op: sys.BPF_JMP | sys.BPF_CALL, src: sys.BPF_PSEUDO_CALL, imm: 1}
		p := program{
			typ: sys.BPF_PROG_TYPE_KPROBE, btf: fd, funcs: funcs,
			insns: []insn{sub, exit, call(sys.BPF_FUNC_get_func_ip), exit},
		}
		err := a.loads(p)
		if err == nil || !isAny(err, []error{sys.EINVAL, sys.EACCES}) {
			return err
		}
		if err := a.loads(program{typ: sys.BPF_PROG_TYPE_KPROBE, insns: []insn{clear0, exit}}); err != nil {
			return mkerr.Errorf("kprobe program: %v", err)
		}
		return errMissing
	})
}

// tryFullRange takes an address 2^30 behind a map's value, which must fail:
// for the offset as such, or, on kernels that take any offset, for being
// outside of the map. Only the log tells the two apart.
func tryFullRange(a *asker) error {
	return a.withArray(4, func(fd int) error {
		p := socketFilter()
		p.insns = append(mapValue(fd, 1<<30), exit)
		p.log = make([]byte, 4096)
		err := a.loads(p)
		log := string(p.log)
		switch {
		case err == nil:
			return errors.New("an address outside of the map was accepted")
		case strings.Contains(log, "direct value offset of"):
			return errMissing
		case strings.Contains(log, "invalid access to map value pointer"):
			return nil
		}
		return err
	})
}
