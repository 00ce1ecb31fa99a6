package asm

import (
	"encoding/binary"
	"math"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// slotSize is sizeof(struct bpf_insn).
const slotSize = 8

// isBig tells the two byte orders apart. What is neither of the usual values,
// such as binary.NativeEndian, is tried, which costs an allocation.
//
//go:noinline
func isBig(order binary.ByteOrder) bool {
	switch order {
	case binary.LittleEndian:
		return false
	case binary.BigEndian:
		return true
	}
	return order.Uint16([]byte{0, 1}) == 1
}

// Decode reads encoded instructions. The errors are *bin.FormatError: a length
// that is no multiple of eight, a wide instruction that is cut off or whose
// second slot holds more than an immediate. Opcodes are not judged, so what a
// newer kernel defines passes through unchanged.
//
// Encoding the result in the same order gives b again.
func Decode(b []byte, order binary.ByteOrder) (Instructions, error) {
	const section = "instructions"
	if len(b)%slotSize != 0 {
		return nil, bin.Errorf(section, int64(len(b)&^(slotSize-1)), "length %d is not a multiple of %d", len(b), slotSize)
	}
	big := isBig(order)
	out := make(Instructions, len(b)/slotSize)
	n := 0
	for rest := b; len(rest) >= slotSize; rest = rest[slotSize:] {
		v := slot(rest, big)
		in := &out[n]
		n++
		in.Op, in.Dst, in.Src, in.Off, in.Imm = Opcode(v), Reg(v>>8&0xf), Reg(v>>12&0xf), int16(v>>16), int64(v)>>32
		if Opcode(v) != OpLoadImm64 {
			continue
		}
		at := int64(len(b) - len(rest))
		if rest = rest[slotSize:]; len(rest) == 0 {
			return nil, bin.Errorf(section, at, "wide instruction without its second slot")
		}
		hi := slot(rest, big)
		if uint32(hi) != 0 {
			return nil, bin.Errorf(section, at+slotSize, "second slot of a wide instruction has reserved bits set")
		}
		in.Imm = int64(hi | v>>32)
	}
	return out[:n:n], nil
}

// slot reads one slot as a little-endian number. The register nibbles are bit
// fields of the C struct: the order of the bytes decides which comes first.
func slot(b []byte, big bool) uint64 {
	if !big {
		return binary.LittleEndian.Uint64(b)
	}
	v := binary.BigEndian.Uint64(b)
	return v>>56 | v>>52&0xf<<8 | v>>48&0xf<<12 | v>>32&0xffff<<16 | v<<32
}

// AppendEncode appends the encoded instructions to dst. Refs are ignored: the
// fields go out as they stand. It is an error if a field does not fit its
// place, or if a Label was not resolved by Assemble.
func (ins Instructions) AppendEncode(dst []byte, order binary.ByteOrder) ([]byte, error) {
	if need := ins.Slots() * slotSize; cap(dst)-len(dst) < need {
		dst = append(make([]byte, 0, len(dst)+need), dst...)
	}
	big := isBig(order)
	for n := range ins {
		in := &ins[n]
		if err := in.check(); err != nil {
			return nil, mkerr.Errorf("instruction %d: %w", n, err)
		}
		dst = appendSlot(dst, big, in.Op, in.Dst, in.Src, in.Off, uint32(in.Imm))
		if in.Op == OpLoadImm64 {
			dst = appendSlot(dst, big, 0, 0, 0, 0, uint32(in.Imm>>32))
		}
	}
	return dst, nil
}

func appendSlot(dst []byte, big bool, op Opcode, d, s Reg, off int16, imm uint32) []byte {
	if big {
		v := uint64(op)<<56 | uint64(d)<<52 | uint64(s)<<48 | uint64(uint16(off))<<32 | uint64(imm)
		return binary.BigEndian.AppendUint64(dst, v)
	}
	v := uint64(op) | uint64(d)<<8 | uint64(s)<<12 | uint64(uint16(off))<<16 | uint64(imm)<<32
	return binary.LittleEndian.AppendUint64(dst, v)
}

// check reports what could not be encoded without loss.
func (i *Instruction) check() error {
	switch {
	case i.Ref.Kind == RefMark:
		return mkerr.Named("label %q: not assembled", i.Ref.Name)
	case i.Ref.Kind == RefLabel:
		return mkerr.Named("jump to label %q: not assembled", i.Ref.Name)
	case i.Dst > 15 || i.Src > 15:
		return mkerr.Errorf("register %d does not fit 4 bits", max(i.Dst, i.Src))
	case i.Op != OpLoadImm64 && (i.Imm < math.MinInt32 || i.Imm > math.MaxInt32):
		return mkerr.Errorf("immediate %#x does not fit 32 bits", i.Imm)
	}
	return nil
}
