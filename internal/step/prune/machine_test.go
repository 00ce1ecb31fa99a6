package prune

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/skepbpf/skep/asm"
)

// machine runs a function the plain way. Memory is at base and writable memory
// at writable; a call notes its arguments, and what it leaves in registers
// depends on how many went before.
type machine struct {
	regs  [11]uint64
	trace []string
	calls uint64
}

const (
	base     = 1 << 40
	writable = 1 << 41
	maxSteps = 2000
)

// run is false if the function does not end, or leaves its code.
func (m *machine) run(ins asm.Instructions) bool {
	index := map[int]int{}
	at := make([]int, len(ins))
	slot := 0
	for i := range ins {
		index[slot], at[i] = i, slot
		slot += ins[i].Slots()
	}
	var frames []frame
	pc := 0
	for range maxSteps {
		if pc < 0 || pc >= len(ins) {
			return false
		}
		in := &ins[pc]
		to, jumps := in.Target(at[pc])
		target, ok := index[to]
		if jumps && !ok {
			return false
		}
		pc++
		switch {
		case in.Op == asm.OpExit:
			if len(frames) == 0 {
				m.trace = append(m.trace, fmt.Sprint("exit ", m.regs[0]))
				return true
			}
			last := frames[len(frames)-1]
			frames, pc = frames[:len(frames)-1], last.pc
			m.clobber(1)
			copy(m.regs[6:], last.saved[:])
		case in.Op == asm.OpJa || in.Op == asm.OpJaLong:
			pc = target
		case isCond(in.Op):
			if m.holds(in) {
				pc = target
			}
		case in.Op == asm.OpCall:
			m.trace = append(m.trace, fmt.Sprint("call ", in.Ref, m.regs[1:6]))
			if jumps {
				if frames = append(frames, frame{pc, [4]uint64(m.regs[6:10])}); len(frames) > 8 {
					return false
				}
				pc, m.regs = target, [11]uint64{1: m.regs[1], m.regs[2], m.regs[3], m.regs[4], m.regs[5]}
				break
			}
			m.clobber(0)
		default:
			m.plain(in)
		}
	}
	return false
}

// frame is what a return from a function within the function restores.
type frame struct {
	pc    int
	saved [4]uint64 // R6 to R9
}

// clobber leaves what nobody may look at in the registers up to R5.
func (m *machine) clobber(from int) {
	m.calls++
	for r := from; r < 6; r++ {
		m.regs[r] = m.calls * 0x9e3779b97f4a7c15 * uint64(r+1)
	}
}

func (m *machine) plain(in *asm.Instruction) {
	switch in.Op.Class() {
	case asm.ClassALU, asm.ClassALU64:
		m.regs[in.Dst] = m.alu(in)
	case asm.ClassLD:
		m.regs[in.Dst] = uint64(in.Imm)
		switch {
		case in.Ref.Name == "ro" || in.Ref.Name == "CONFIG_X":
			m.regs[in.Dst] = base + uint64(int64(in.Ref.Addend))
		case in.Ref.Name == "absent":
			m.regs[in.Dst] = 0
		case in.Ref.Name != "":
			m.regs[in.Dst] = writable + uint64(int64(in.Ref.Addend))
		}
	case asm.ClassLDX:
		m.regs[in.Dst] = m.load(m.regs[in.Src]+uint64(int64(in.Off)), in)
	default:
		m.trace = append(m.trace, fmt.Sprint("store ", m.regs[in.Dst]+uint64(int64(in.Off)), m.regs[in.Src], in.Imm))
	}
}

// load is a number of its own for each address outside of the memory.
func (m *machine) load(addr uint64, in *asm.Instruction) uint64 {
	n := in.Op.Size().Bytes()
	off := addr - base
	if off <= uint64(len(readOnly)-n) {
		var b [8]byte
		copy(b[:], readOnly[off:][:n])
		return binary.LittleEndian.Uint64(b[:])
	}
	return (addr * 31) >> (64 - 8*n)
}

func (m *machine) holds(in *asm.Instruction) bool {
	a, b := m.regs[in.Dst], uint64(in.Imm)
	if in.Op&8 != 0 {
		b = m.regs[in.Src]
	}
	if in.Op&7 == 6 {
		// Sign extension keeps both orders of 32 bits.
		a, b = uint64(int32(a)), uint64(int32(b))
		if in.Op>>4 == 4 {
			a, b = uint64(uint32(a)), uint64(uint32(b))
		}
	}
	switch in.Op >> 4 {
	case 1:
		return a == b
	case 2:
		return a > b
	case 3:
		return a >= b
	case 4:
		return a&b != 0
	case 5:
		return a != b
	case 6:
		return int64(a) > int64(b)
	case 7:
		return int64(a) >= int64(b)
	case 0xa:
		return a < b
	case 0xb:
		return a <= b
	case 0xc:
		return int64(a) < int64(b)
	}
	return int64(a) <= int64(b)
}

func (m *machine) alu(in *asm.Instruction) uint64 {
	a, b := m.regs[in.Dst], uint64(in.Imm)
	if in.Op&8 != 0 {
		b = m.regs[in.Src]
	}
	op := in.Op >> 4
	if in.Op&7 == 7 {
		return alu64(op, in, a, b)
	}
	if op == 0xd {
		return end(in, a, in.Op&8 != 0)
	}
	return uint64(alu32(op, in, uint32(a), uint32(b)))
}

func end(in *asm.Instruction, a uint64, swap bool) uint64 {
	switch {
	case in.Imm == 16 && swap:
		return uint64(bits.ReverseBytes16(uint16(a)))
	case in.Imm == 32 && swap:
		return uint64(bits.ReverseBytes32(uint32(a)))
	case in.Imm == 64 && swap:
		return bits.ReverseBytes64(a)
	case in.Imm == 16:
		return uint64(uint16(a))
	case in.Imm == 32:
		return uint64(uint32(a))
	}
	return a
}

func alu64(op asm.Opcode, in *asm.Instruction, a, b uint64) uint64 {
	signed := in.Off == 1
	switch op {
	case 0:
		return a + b
	case 1:
		return a - b
	case 2:
		return a * b
	case 3, 9:
		return divide(op == 9, signed, a, b)
	case 4:
		return a | b
	case 5:
		return a & b
	case 6:
		return a << (b % 64)
	case 7:
		return a >> (b % 64)
	case 8:
		return -a
	case 0xa:
		return a ^ b
	case 0xb:
		switch in.Off {
		case 8:
			return uint64(int8(b))
		case 16:
			return uint64(int16(b))
		case 32:
			return uint64(int32(b))
		}
		return b
	case 0xc:
		return uint64(int64(a) >> (b % 64))
	}
	return end(in, a, true)
}

func divide(mod, signed bool, a, b uint64) uint64 {
	switch {
	case b == 0 && mod:
		return a
	case b == 0:
		return 0
	case signed && mod:
		return uint64(int64(a) % int64(b))
	case signed:
		return uint64(int64(a) / int64(b))
	case mod:
		return a % b
	}
	return a / b
}

func alu32(op asm.Opcode, in *asm.Instruction, a, b uint32) uint32 {
	switch op {
	case 3, 9:
		if in.Off == 1 {
			return uint32(divide(op == 9, true, uint64(int32(a)), uint64(int32(b))))
		}
		return uint32(divide(op == 9, false, uint64(a), uint64(b)))
	case 6:
		return a << (b % 32)
	case 7:
		return a >> (b % 32)
	case 0xb:
		switch in.Off {
		case 8:
			return uint32(int8(b))
		case 16:
			return uint32(int16(b))
		}
		return b
	case 0xc:
		return uint32(int32(a) >> (b % 32))
	}
	return uint32(alu64(op, in, uint64(a), uint64(b)))
}
