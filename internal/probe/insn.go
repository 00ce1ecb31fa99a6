package probe

import (
	"encoding/binary"

	"github.com/skepbpf/skep/internal/sys"
)

// insn is one slot of a program in this machine's byte order.
type insn struct {
	op       uint8
	dst, src uint8
	off      int16
	imm      int32
}

// The instructions that the probes are made of.
var (
	exit   = insn{op: sys.BPF_JMP | sys.BPF_EXIT}
	clear0 = insn{op: sys.BPF_ALU64 | sys.BPF_MOV} // r0 = 0
)

func call(id sys.FuncID) insn { return insn{op: sys.BPF_JMP | sys.BPF_CALL, imm: int32(id)} }

// mapValue is r1 = address of the map's first value plus off.
func mapValue(fd int, off int32) []insn {
	return []insn{
		{op: sys.BPF_LD | sys.BPF_DW | sys.BPF_IMM, dst: 1, src: sys.BPF_PSEUDO_MAP_VALUE, imm: int32(fd)},
		{imm: off},
	}
}

func encode(insns []insn) []byte {
	b := make([]byte, 0, len(insns)*8)
	big := binary.NativeEndian.Uint16([]byte{0, 1}) == 1
	for _, in := range insns {
		regs := in.dst | in.src<<4
		if big {
			regs = in.dst<<4 | in.src
		}
		b = append(b, in.op, regs)
		b = binary.NativeEndian.AppendUint16(b, uint16(in.off))
		b = binary.NativeEndian.AppendUint32(b, uint32(in.imm))
	}
	return b
}

// program is what a probe loads.
type program struct {
	typ    sys.ProgType
	attach sys.AttachType
	flags  uint32
	target uint32 // attach_btf_id
	name   string
	insns  []insn
	log    []byte
	btf    int    // descriptor of BTF, with funcs
	funcs  []byte // func_info

	signature []byte
	keyring   int32
}

func (a *asker) load(p program) (*sys.FD, error) {
	code := encode(p.insns)
	attr := sys.ProgLoadAttr{
		ProgType:           p.typ,
		ExpectedAttachType: p.attach,
		ProgFlags:          p.flags,
		AttachBtfId:        p.target,
		InsnCnt:            uint32(len(p.insns)),
		Insns:              sys.BytesPtr(code),
		License:            sys.StringPtr("GPL"),
		ProgName:           sys.ObjName(p.name),
		LogBuf:             sys.BytesPtr(p.log),
		LogSize:            uint32(len(p.log)),
	}
	if p.signature != nil {
		attr.Signature, attr.SignatureSize = sys.BytesPtr(p.signature), uint32(len(p.signature))
		attr.KeyringId = p.keyring
	}
	if len(p.log) > 0 {
		attr.LogLevel = 1
	}
	if p.funcs != nil {
		attr.ProgBtfFd = uint32(p.btf)
		attr.FuncInfo = sys.BytesPtr(p.funcs)
		attr.FuncInfoRecSize = 8
		attr.FuncInfoCnt = uint32(len(p.funcs) / 8)
	}
	if a.token != 0 {
		attr.ProgFlags |= sys.BPF_F_TOKEN_FD
		attr.ProgTokenFd = int32(a.token)
	}
	return lifted(func() (*sys.FD, error) { return sys.ProgLoad(&attr) })
}

// loads is load for probes that only want to know whether it works.
func (a *asker) loads(p program) error {
	fd, err := a.load(p)
	if err != nil {
		return err
	}
	return fd.Close()
}

// array makes an array map of one value.
func (a *asker) array(valueSize uint32, flags uint32) (*sys.FD, error) {
	attr := sys.MapCreateAttr{
		MapType:    sys.BPF_MAP_TYPE_ARRAY,
		KeySize:    4,
		ValueSize:  valueSize,
		MaxEntries: 1,
		MapFlags:   flags,
	}
	if a.token != 0 {
		attr.MapFlags |= sys.BPF_F_TOKEN_FD
		attr.MapTokenFd = int32(a.token)
	}
	return lifted(func() (*sys.FD, error) { return sys.MapCreate(&attr) })
}

// with calls f with the borrowed descriptor of fd, and closes fd.
func with(fd *sys.FD, f func(raw int) error) error {
	defer fd.Close()
	raw, err := fd.Borrow()
	if err != nil {
		return err
	}
	defer fd.Release()
	return f(raw)
}
