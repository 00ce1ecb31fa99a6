package systest

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// Lack makes the kernel answer as one does that has none of the features: to
// what it does not know as a value with EINVAL, to fields behind the struct that
// it knows with E2BIG (bpf_check_uarg_tail_zero). Features that show in nothing
// that a load passes are not played. Set it before the first call.
func (k *Kernel) Lack(ids ...feature.ID) { k.lacks = append(k.lacks, ids...) }

// lacking reports whether the kernel lacks a feature.
func (k *Kernel) lacking(id feature.ID) bool { return slices.Contains(k.lacks, id) }

// oldMap is what an old kernel says to a map.
func (k *Kernel) oldMap(a *sys.MapCreateAttr) sys.Errno {
	switch {
	case k.lacking(feature.ProgName) && a.MapName[0] != 0,
		k.lacking(feature.BTF) && (a.BtfFd != 0 || a.BtfKeyTypeId != 0 || a.BtfValueTypeId != 0):
		return sys.E2BIG
	case k.lacking(feature.GlobalData) && a.MapFlags&(sys.BPF_F_RDONLY_PROG|sys.BPF_F_WRONLY_PROG) != 0,
		k.lacking(feature.ArrayMmap) && a.MapFlags&sys.BPF_F_MMAPABLE != 0 && a.MapType != sys.BPF_MAP_TYPE_ARENA:
		return sys.EINVAL
	}
	return 0
}

// oldProg is what an old kernel says to a program.
func (k *Kernel) oldProg(a *sys.ProgLoadAttr, insns []byte) (log string, errno sys.Errno) {
	switch {
	case k.lacking(feature.ProgName) && a.ProgName[0] != 0,
		k.lacking(feature.ExpAttachType) && a.ExpectedAttachType != 0,
		(k.lacking(feature.BTF) || k.lacking(feature.BTFFunc)) && (a.ProgBtfFd != 0 || a.FuncInfoCnt != 0 || a.LineInfoCnt != 0):
		return "", sys.E2BIG
	case k.lacking(feature.UprobeMulti) && a.ExpectedAttachType == sys.BPF_TRACE_UPROBE_MULTI:
		return "", sys.EINVAL
	}
	for at := 0; at+insnSize <= len(insns); at += insnSize {
		in := insns[at : at+insnSize]
		imm := int32(binary.NativeEndian.Uint32(in[4:]))
		src := in[1] >> 4
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
			src = in[1] & 0xf
		}
		switch in[0] {
		case sys.BPF_LD | sys.BPF_IMM | sys.BPF_DW:
			if src == sys.BPF_PSEUDO_MAP_VALUE && k.lacking(feature.GlobalData) {
				return "", sys.EINVAL
			}
			if off := binary.NativeEndian.Uint32(insns[at+insnSize+4:]); src == sys.BPF_PSEUDO_MAP_VALUE && off >= 1<<29 {
				if k.lacking(feature.Ldimm64FullRange) {
					return "direct value offset of 1073741824 is not allowed\n", sys.EINVAL
				}
				return "invalid access to map value pointer\n", sys.EINVAL
			}
			at += insnSize
		case sys.BPF_JMP | sys.BPF_CALL:
			if src == 0 && k.lacksHelper(sys.FuncID(imm), a) {
				return "", sys.EINVAL
			}
		}
	}
	return "", 0
}

// lacksHelper is about helpers, and of the context's tag about the one that its
// probe passes a context to.
func (k *Kernel) lacksHelper(id sys.FuncID, a *sys.ProgLoadAttr) bool {
	switch id {
	case sys.BPF_FUNC_probe_read_kernel, sys.BPF_FUNC_probe_read_user, sys.BPF_FUNC_probe_read_kernel_str, sys.BPF_FUNC_probe_read_user_str:
		return k.lacking(feature.ProbeReadKernel)
	case sys.BPF_FUNC_get_attach_cookie:
		return k.lacking(feature.BPFCookie)
	case sys.BPF_FUNC_get_func_ip:
		return k.lacking(feature.ArgCtxTag) && a.ProgBtfFd != 0
	}
	return false
}

// oldBTF is what an old kernel says to types.
func (k *Kernel) oldBTF(raw []byte) sys.Errno {
	word := func(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
	header := word(raw[4:])
	if k.lacking(feature.BTF) || k.lacking(feature.BTFLayout) && header > 24 && !zero(raw[24:header]) {
		return sys.EINVAL
	}
	types := raw[header+word(raw[8:]):][:word(raw[12:])]
	strs := raw[header+word(raw[16:]):][:word(raw[20:])]
	for len(types) >= 12 {
		info := word(types[4:])
		kind, vlen := info>>24&0x1f, info&0xffff
		name, _, _ := bytes.Cut(strs[word(types):], []byte{0})
		if k.lacksKind(kind, vlen, info>>31 != 0, name) {
			return sys.EINVAL
		}
		types = types[12+recordLen(kind, vlen):]
	}
	return 0
}

func zero(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

// Kinds of BTF (include/uapi/linux/btf.h) that came after the first.
const (
	kindEnum      = 6
	kindFunc      = 12
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindFloat     = 16
	kindDeclTag   = 17
	kindTypeTag   = 18
	kindEnum64    = 19
)

func (k *Kernel) lacksKind(kind, vlen uint32, flag bool, name []byte) bool {
	switch kind {
	case kindEnum: // the flag is for signed ones
		return flag && k.lacking(feature.BTFEnum64)
	case kindFunc:
		return k.lacking(feature.BTFFunc) || vlen == 1 && k.lacking(feature.BTFGlobalFunc)
	case kindFuncProto:
		return k.lacking(feature.BTFFunc)
	case kindVar:
		return k.lacking(feature.BTFDatasec)
	case kindDatasec:
		return k.lacking(feature.BTFDatasec) || bytes.HasPrefix(name, []byte("?")) && k.lacking(feature.BTFQmarkDatasec)
	case kindFloat:
		return k.lacking(feature.BTFFloat)
	case kindDeclTag:
		return k.lacking(feature.BTFDeclTag)
	case kindTypeTag:
		return k.lacking(feature.BTFTypeTag)
	case kindEnum64:
		return k.lacking(feature.BTFEnum64)
	}
	return false
}

// recordLen is how long a type's record is behind its first 12 bytes.
func recordLen(kind, vlen uint32) uint32 {
	switch kind {
	case 1, kindVar, kindDeclTag:
		return 4
	case 3:
		return 12
	case 4, 5, kindDatasec, kindEnum64:
		return 12 * vlen
	case kindEnum, kindFuncProto:
		return 8 * vlen
	}
	return 0
}
