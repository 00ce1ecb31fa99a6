package asm

var condSigns = [16]string{
	JEq >> 4: "==", JGT >> 4: ">", JGE >> 4: ">=", JSet >> 4: "&", JNe >> 4: "!=",
	JSGT >> 4: "s>", JSGE >> 4: "s>=", JLT >> 4: "<", JLE >> 4: "<=",
	JSLT >> 4: "s<", JSLE >> 4: "s<=",
}

func (i *Instruction) textJMP(b []byte) []byte {
	switch i.Op {
	case OpJa:
		return appendDelta(append(b, "goto "...), int64(i.Off))
	case OpMayGoto:
		return appendDelta(append(b, "may_goto "...), int64(i.Off))
	case OpCall:
		return appendHex(append(b, "call "...), i.Imm)
	case OpExit:
		if i.Imm != 0 {
			return b
		}
		return append(b, "exit"...)
	case OpJaReg, OpCallReg:
		if i.Dst > maxLLVMReg {
			return b
		}
		if i.Op == OpJaReg {
			return appendReg(append(b, "gotox "...), 'r', i.Dst)
		}
		return appendReg(append(b, "callx "...), 'r', i.Dst)
	}
	return i.textCond(b, 'r')
}

func (i *Instruction) textJMP32(b []byte) []byte {
	if i.Op == OpJaLong {
		return appendDelta(append(b, "gotol "...), i.Imm)
	}
	return i.textCond(b, 'w')
}

func (i *Instruction) textCond(b []byte, bank byte) []byte {
	sign := condSigns[i.Op>>4]
	if sign == "" || i.Dst > maxLLVMReg || i.Op.UsesRegister() && i.Src > maxLLVMReg {
		return b
	}
	b = append(appendReg(append(b, "if "...), bank, i.Dst), ' ')
	b = append(append(b, sign...), ' ')
	if i.Op.UsesRegister() {
		b = appendReg(b, bank, i.Src)
	} else {
		b = appendHex(b, i.Imm)
	}
	return appendDelta(append(b, " goto "...), int64(i.Off))
}
