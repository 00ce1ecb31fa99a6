package asm

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// Disassemble writes one line an instruction: its slot, its text as String
// gives it, and as a comment what llvm-objdump cannot know: the name of a
// helper, what a Ref means, the slot a jump leads to.
func Disassemble(w io.Writer, ins Instructions) error {
	out := bufio.NewWriter(w)
	slot := 0
	var line []byte
	for n := range ins {
		in := &ins[n]
		if in.Ref.Kind == RefMark {
			fmt.Fprintf(out, "%s:\n", in.Ref.Name)
			continue
		}
		line = fmt.Appendf(line[:0], "%6d: ", slot)
		line = in.appendText(line)
		if c := in.comment(slot); c != "" {
			line = append(append(line, " ; "...), c...)
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
		slot += in.Slots()
	}
	return out.Flush()
}

func (i *Instruction) comment(slot int) string {
	if r := i.Ref; r.Kind != RefNone {
		s := r.Kind.String() + " " + r.Name
		if r.Addend != 0 {
			s += fmt.Sprintf("%+d", r.Addend)
		}
		return s
	}
	if to, ok := i.Target(slot); ok {
		return "to " + strconv.Itoa(to)
	}
	if i.Op == OpCall && i.Src == PseudoHelper {
		return FuncID(i.Imm).String()
	}
	return ""
}
