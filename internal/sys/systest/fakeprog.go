package systest

import (
	"encoding/binary"
	"unsafe"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// Prog is a fake program.
type Prog struct {
	ID      uint32
	Name    string
	License string
	Insns   []byte           // as they were passed; descriptors in them are the caller's
	Attr    sys.ProgLoadAttr // without its pointers
	Maps    []uint32         // ids of the maps it refers to or is bound to
	FDs     []int32          // fd_array, as far as instructions refer to it
	Modules map[int]string   // modules whose types instructions refer to, by slot
}

// BTF is a fake BTF object.
type BTF struct {
	ID    uint32
	Bytes []byte
	// Module that the types are of; "" for BTF that was loaded.
	Module string
}

const insnSize, maxInsns = 8, 1000000

func (k *Kernel) progLoad(a *sys.ProgLoadAttr) (uintptr, sys.Errno) {
	switch {
	case a.ProgType == 0 || a.ProgType > sys.BPF_PROG_TYPE_NETFILTER, a.ProgName[len(a.ProgName)-1] != 0:
		return 0, sys.EINVAL
	case a.InsnCnt == 0 || a.InsnCnt > maxInsns:
		return 0, sys.E2BIG
	case a.Insns.IsNull() || a.License.IsNull():
		return 0, sys.EFAULT
	}
	p := &Prog{
		Name:    sys.NameString(a.ProgName[:]),
		License: cstring(a.License),
		Insns:   read(a.Insns, int(a.InsnCnt)*insnSize),
		Attr:    withoutPointers(*a),
	}
	if log, errno := k.oldProg(a, p.Insns); errno != 0 {
		writeLog(a.LogBuf, a.LogSize, log)
		return 0, errno
	}
	if a.ProgBtfFd != 0 {
		if o := k.find(int(a.ProgBtfFd)); o == nil || o.b == nil {
			return 0, sys.EBADF
		}
	}
	if errno := k.findMaps(p, a); errno != 0 {
		return 0, errno
	}
	if errno := k.findModules(p, a); errno != 0 {
		return 0, errno
	}
	if k.Verify != nil {
		log, errno := k.Verify(p)
		if n := writeLog(a.LogBuf, a.LogSize, log); a.LogLevel != 0 {
			a.LogTrueSize = uint32(len(log) + 1)
			if errno == 0 && n < len(log)+1 {
				errno = sys.ENOSPC
			}
		}
		if errno != 0 {
			return 0, errno
		}
	}
	return k.add(&object{p: p})
}

func withoutPointers(a sys.ProgLoadAttr) sys.ProgLoadAttr {
	null := sys.Pointer{}
	a.Insns, a.License, a.LogBuf, a.FuncInfo = null, null, null, null
	a.LineInfo, a.FdArray, a.CoreRelos, a.Signature = null, null, null, null
	return a
}

// writeLog gives the bytes written, a NUL included.
func writeLog(buf sys.Pointer, size uint32, log string) int {
	if buf.IsNull() || size == 0 {
		return 0
	}
	b := append([]byte(log), 0)
	if len(b) > int(size) {
		b = append(b[:size-1:size-1], 0)
	}
	write(buf, b)
	return len(b)
}

// findMaps collects the maps of 64-bit immediate loads.
func (k *Kernel) findMaps(p *Prog, a *sys.ProgLoadAttr) sys.Errno {
	const ldimm64 = sys.BPF_LD | sys.BPF_IMM | sys.BPF_DW
	for at := 0; at+insnSize <= len(p.Insns); at += insnSize {
		in := p.Insns[at : at+insnSize]
		if in[0] != ldimm64 {
			continue
		}
		src := in[1] >> 4
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
			src = in[1] & 0xf
		}
		fd := int32(binary.NativeEndian.Uint32(in[4:]))
		at += insnSize
		switch src {
		case sys.BPF_PSEUDO_MAP_FD, sys.BPF_PSEUDO_MAP_VALUE:
		case sys.BPF_PSEUDO_MAP_IDX, sys.BPF_PSEUDO_MAP_IDX_VALUE:
			if a.FdArray.IsNull() {
				return sys.EPROTO
			}
			fd = *(*int32)(unsafe.Add(a.FdArray.Raw(), int(fd)*4))
			p.FDs = append(p.FDs, fd)
		default:
			continue
		}
		o := k.find(int(fd))
		if o == nil || o.m == nil {
			return sys.EBADF
		}
		p.Maps = append(p.Maps, o.id)
	}
	return 0
}

func (k *Kernel) progOf(fd uint32) *Prog {
	if o := k.find(int(fd)); o != nil {
		return o.p
	}
	return nil
}

func (k *Kernel) testRun(a *sys.ProgTestRunAttr) (uintptr, sys.Errno) {
	p := k.progOf(a.ProgFd)
	if p == nil {
		return 0, sys.EBADF
	}
	if k.Run == nil {
		return 0, sys.EOPNOTSUPP
	}
	ret, out := k.Run(p, read(a.DataIn, int(a.DataSizeIn)))
	size := a.DataSizeOut
	a.Retval, a.DataSizeOut, a.Duration = ret, uint32(len(out)), 1
	if a.DataOut.IsNull() {
		return 0, 0
	}
	write(a.DataOut, out[:min(len(out), int(size))])
	if len(out) > int(size) {
		return 0, sys.ENOSPC
	}
	return 0, 0
}

func (k *Kernel) bindMap(a *sys.ProgBindMapAttr) (uintptr, sys.Errno) {
	if k.lacking(feature.ProgBindMap) {
		return 0, sys.EINVAL
	}
	p, o := k.progOf(a.ProgFd), k.find(int(a.MapFd))
	if p == nil || o == nil || o.m == nil {
		return 0, sys.EBADF
	}
	p.Maps = append(p.Maps, o.id)
	return 0, 0
}

func (k *Kernel) btfLoad(a *sys.BtfLoadAttr) (uintptr, sys.Errno) {
	raw := read(a.Btf, int(a.BtfSize))
	if len(raw) < 24 || binary.NativeEndian.Uint16(raw) != sys.BTF_MAGIC {
		return 0, sys.EINVAL
	}
	if errno := k.oldBTF(raw); errno != 0 {
		return 0, errno
	}
	return k.add(&object{b: &BTF{Bytes: raw}})
}
