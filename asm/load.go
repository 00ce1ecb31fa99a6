package asm

// LoadImm64 is dst = imm; the wide instruction.
func LoadImm64(dst Reg, imm int64) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Imm: imm}
}

func loadRef(dst, src Reg, kind RefKind, name string, addend int32) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Src: src, Ref: Ref{Kind: kind, Name: name, Addend: addend}}
}

// LoadMap is dst = the map called name.
func LoadMap(dst Reg, name string) Instruction {
	return loadRef(dst, PseudoMapFD, RefMap, name, 0)
}

// LoadMapValue is dst = the address of byte off in the first value of the map
// called name. Requires Linux 5.2.
func LoadMapValue(dst Reg, name string, off int32) Instruction {
	return loadRef(dst, PseudoMapValue, RefMapValue, name, off)
}

// LoadMapFD is dst = the map of a descriptor.
func LoadMapFD(dst Reg, fd int32) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Src: PseudoMapFD, Imm: int64(uint32(fd))}
}

// LoadMapValueFD is dst = the address of byte off in the first value of the
// map of a descriptor. Requires Linux 5.2.
func LoadMapValueFD(dst Reg, fd int32, off uint32) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Src: PseudoMapValue, Imm: int64(off)<<32 | int64(uint32(fd))}
}

// LoadMapIdx is dst = the map of entry idx of the load's fd_array. Requires
// Linux 5.14.
func LoadMapIdx(dst Reg, idx int32) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Src: PseudoMapIdx, Imm: int64(uint32(idx))}
}

// LoadMapIdxValue is dst = the address of byte off in the first value of the
// map of entry idx of the load's fd_array. Requires Linux 5.14.
func LoadMapIdxValue(dst Reg, idx int32, off uint32) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Src: PseudoMapIdxValue, Imm: int64(off)<<32 | int64(uint32(idx))}
}

// LoadFunc is dst = the address of the bpf function called name, for a helper
// that takes a callback. Requires Linux 5.13.
func LoadFunc(dst Reg, name string) Instruction {
	return loadRef(dst, PseudoFunc, RefFunc, name, 0)
}

// LoadKsym is dst = the address of the kernel symbol called name.
func LoadKsym(dst Reg, name string) Instruction {
	return loadRef(dst, PseudoBTFID, RefKsym, name, 0)
}

// LoadBTFID is dst = the address of the kernel variable with a BTF id; module
// is the descriptor of its module's BTF, 0 for the kernel's own. Requires
// Linux 5.10, for modules 5.11.
func LoadBTFID(dst Reg, id uint32, module int32) Instruction {
	return Instruction{Op: OpLoadImm64, Dst: dst, Src: PseudoBTFID, Imm: int64(module)<<32 | int64(id)}
}
