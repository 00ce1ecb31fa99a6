package prog

import (
	"encoding/binary"
	"slices"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// operands give the descriptors that instructions refer to.
type operands struct {
	mapFD    func(name string) (int, error)
	moduleFD func(index int) (int, error) // may be nil: 0 stands for each
	// places has maps by their place in fd_array, where that is what stands in
	// the instructions; nil else.
	places []string
	first  int // place of the first
}

// Image is the program as the kernel gets it, in this machine's byte order.
// mapFD gives the descriptor of each map that is referred to by name. Where a
// variable of a kernel module is meant, the module's descriptor is left 0.
func (s *Spec) Image(mapFD func(name string) (int, error)) ([]byte, error) {
	return s.image(operands{mapFD: mapFD}, binary.NativeEndian)
}

// image encodes runs of instructions without references as they stand: a copy
// of them all would cost more than their encoding.
func (s *Spec) image(ops operands, order binary.ByteOrder) ([]byte, error) {
	if s.indexed() {
		ops.places, ops.first = s.usedMaps(), s.firstMap()
	}
	code := make([]byte, 0, s.Insns.Slots()*8)
	rest := s.Insns
	for len(rest) > 0 {
		run := slices.IndexFunc(rest, func(in asm.Instruction) bool { return in.Ref.Kind != asm.RefNone })
		if run < 0 {
			run = len(rest)
		}
		var err error
		if code, err = rest[:run].AppendEncode(code, order); err != nil {
			return nil, err
		}
		if rest = rest[run:]; len(rest) == 0 {
			break
		}
		one := [1]asm.Instruction{rest[0]}
		if err := ops.patch(&one[0]); err != nil {
			return nil, mkerr.Errorf("insn %d: %w", len(code)/8, err)
		}
		if code, err = asm.Instructions(one[:]).AppendEncode(code, order); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	return code, nil
}

// patch puts the descriptor that in refers to into its immediate.
func (o operands) patch(in *asm.Instruction) error {
	switch in.Ref.Kind {
	case asm.RefNone:
		return nil
	case asm.RefMap, asm.RefMapValue:
		return o.patchMap(in)
	case asm.RefKsym:
		return o.patchModule(in)
	}
	return mkerr.Errorf("%s %q is not linked", in.Ref.Kind, in.Ref.Name)
}

func (o operands) patchMap(in *asm.Instruction) error {
	if !in.Wide() {
		return mkerr.Named("map %q: the instruction is no wide load", in.Ref.Name)
	}
	src, value := asm.PseudoMapFD, asm.PseudoMapValue
	var fd int
	if o.places != nil {
		src, value = asm.PseudoMapIdx, asm.PseudoMapIdxValue
		fd = o.first + slices.Index(o.places, in.Ref.Name)
	} else {
		var err error
		if fd, err = o.mapFD(in.Ref.Name); err != nil {
			return mkerr.WrapNamed("map %q: %w", in.Ref.Name, err)
		}
	}
	in.Src, in.Imm = src, int64(uint32(fd))
	if in.Ref.Kind == asm.RefMapValue {
		in.Src = value
		in.Imm = int64(uint64(uint32(fd)) | uint64(uint32(in.Ref.Addend))<<32)
	}
	return nil
}

func (o operands) patchModule(in *asm.Instruction) error {
	if !in.Wide() || in.Ref.Addend < 0 {
		return mkerr.Named("ksym %q: the instruction is no wide load", in.Ref.Name)
	}
	fd := 0
	if in.Ref.Addend > 0 && o.moduleFD != nil {
		var err error
		if fd, err = o.moduleFD(int(in.Ref.Addend) - 1); err != nil {
			return mkerr.WrapNamed("ksym %q: %w", in.Ref.Name, err)
		}
	}
	in.Src = asm.PseudoBTFID
	in.Imm = int64(uint64(uint32(in.Imm)) | uint64(uint32(fd))<<32)
	return nil
}

// Sizes of struct bpf_func_info and bpf_line_info. They have not grown since
// Linux 5.0, which brought them, so no kernel finds them too long.
const (
	funcInfoSize = 8
	lineInfoSize = 16
)

func encodeFuncs(funcs []btf.FuncInfo) []byte {
	b := make([]byte, 0, len(funcs)*funcInfoSize)
	for _, f := range funcs {
		b = binary.NativeEndian.AppendUint32(b, f.Off)
		b = binary.NativeEndian.AppendUint32(b, uint32(f.Type))
	}
	return b
}

func encodeLines(lines []btf.LineInfo) []byte {
	b := make([]byte, 0, len(lines)*lineInfoSize)
	for _, l := range lines {
		for _, w := range [...]uint32{l.Off, l.File, l.Text, l.LineCol} {
			b = binary.NativeEndian.AppendUint32(b, w)
		}
	}
	return b
}
