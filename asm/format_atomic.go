package asm

// plainAtomic is the sign of those that have no result and print as an
// assignment.
func plainAtomic(op AtomicOp) string {
	switch op {
	case AtomicAdd:
		return "+="
	case AtomicOr:
		return "|="
	case AtomicAnd:
		return "&="
	case AtomicXor:
		return "^="
	}
	return ""
}

func fetchAtomic(op AtomicOp) string {
	switch op {
	case AtomicFetchAdd:
		return "add"
	case AtomicFetchOr:
		return "or"
	case AtomicFetchAnd:
		return "and"
	case AtomicFetchXor:
		return "xor"
	}
	return ""
}

func (i *Instruction) textAtomic(b []byte) []byte {
	op := AtomicOp(i.Imm)
	size := i.Op.Size()
	bank, typ := bankOf(size), unsignedTypes[i.Op.sizeIndex()]
	switch op {
	case AtomicLoadAcquire:
		b = append(appendReg(b, bank, i.Dst), " = load_acquire(("...)
		b = append(append(b, typ...), " *)("...)
		return append(appendAddr(b, i.Src, i.Off), "))"...)
	case AtomicStoreRelease:
		b = append(append(append(b, "store_release(("...), typ...), " *)("...)
		b = append(appendAddr(b, i.Dst, i.Off), "), "...)
		return append(appendReg(b, bank, i.Src), ')')
	}
	if size != SizeW && size != SizeDW {
		return b
	}
	if sign := plainAtomic(op); sign != "" {
		b = appendMem(append(b, "lock "...), typ, i.Dst, i.Off)
		b = append(append(append(b, ' '), sign...), ' ')
		return appendReg(b, bank, i.Src)
	}
	if name := fetchAtomic(op); name != "" {
		b = append(appendReg(b, bank, i.Src), " = atomic_fetch_"...)
		b = append(append(append(append(b, name...), "(("...), typ...), " *)("...)
		b = append(appendAddr(b, i.Dst, i.Off), "), "...)
		return append(appendReg(b, bank, i.Src), ')')
	}
	return i.textExchange(b, op)
}

func (i *Instruction) textExchange(b []byte, op AtomicOp) []byte {
	bank, suffix := byte('r'), "_64("
	if i.Op.Size() == SizeW {
		bank, suffix = 'w', "32_32("
	}
	switch op {
	case AtomicXchg:
		b = append(append(appendReg(b, bank, i.Src), " = xchg"...), suffix...)
		b = append(appendAddr(b, i.Dst, i.Off), ", "...)
	case AtomicCmpXchg:
		b = append(append(appendReg(b, bank, R0), " = cmpxchg"...), suffix...)
		b = append(appendAddr(b, i.Dst, i.Off), ", "...)
		b = append(appendReg(b, bank, R0), ", "...)
	default:
		return b
	}
	return append(appendReg(b, bank, i.Src), ')')
}
