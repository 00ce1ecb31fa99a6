package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/skepbpf/skep/btf"
)

func anon(name string) string {
	if name == "" {
		return "(anon)"
	}
	return name
}

func intEncoding(t btf.Type) string {
	switch enc, _, _ := t.Int(); enc {
	case 0:
		return "(none)"
	case btf.IntSigned:
		return "SIGNED"
	case btf.IntChar:
		return "CHAR"
	case btf.IntBool:
		return "BOOL"
	}
	return "UNKN"
}

func linkage(t btf.Type) string {
	switch t.Linkage() {
	case btf.LinkageStatic:
		return "static"
	case btf.LinkageGlobal:
		return "global"
	case btf.LinkageExtern:
		return "extern"
	}
	return "(unknown)"
}

func fwdKind(t btf.Type) string {
	if t.KindFlag() {
		return "union"
	}
	return "struct"
}

func enumEncoding(t btf.Type) string {
	if t.Signed() {
		return "SIGNED"
	}
	return "UNSIGNED"
}

// rawHead is the first line of a type, as `bpftool btf dump format raw` has it.
func rawHead(t btf.Type) string {
	head := fmt.Sprintf("[%d] %s '%s'", t.ID(), strings.ToUpper(t.Kind().String()), anon(t.Name()))
	switch t.Kind() {
	case btf.KindInt:
		_, bits, off := t.Int()
		return head + fmt.Sprintf(" size=%d bits_offset=%d nr_bits=%d encoding=%s", t.Size(), off, bits, intEncoding(t))
	case btf.KindArray:
		elem, index, n := t.Array()
		return head + fmt.Sprintf(" type_id=%d index_type_id=%d nr_elems=%d", elem, index, n)
	case btf.KindStruct, btf.KindUnion, btf.KindDatasec:
		return head + fmt.Sprintf(" size=%d vlen=%d", t.Size(), t.Vlen())
	case btf.KindEnum, btf.KindEnum64:
		return head + fmt.Sprintf(" encoding=%s size=%d vlen=%d", enumEncoding(t), t.Size(), t.Vlen())
	case btf.KindFwd:
		return head + " fwd_kind=" + fwdKind(t)
	case btf.KindFunc:
		return head + fmt.Sprintf(" type_id=%d linkage=%s", t.Target(), linkage(t))
	case btf.KindVar:
		return head + fmt.Sprintf(" type_id=%d, linkage=%s", t.Target(), linkage(t))
	case btf.KindFuncProto:
		return head + fmt.Sprintf(" ret_type_id=%d vlen=%d", t.Target(), t.Vlen())
	case btf.KindFloat:
		return head + fmt.Sprintf(" size=%d", t.Size())
	case btf.KindDeclTag:
		return head + fmt.Sprintf(" type_id=%d component_idx=%d", t.Target(), t.ComponentIndex())
	}
	return head + fmt.Sprintf(" type_id=%d", t.Target())
}

// dumpRaw prints types as `bpftool btf dump format raw` does.
func dumpRaw(out io.Writer, s *btf.Spec) error {
	w := bufio.NewWriterSize(out, 64<<10)
	for t := range s.All() {
		w.WriteString(rawHead(t) + "\n")
		for i := range t.Vlen() {
			switch t.Kind() {
			case btf.KindStruct, btf.KindUnion:
				m := t.Member(i)
				fmt.Fprintf(w, "\t'%s' type_id=%d bits_offset=%d", anon(m.Name), m.Type, m.Offset)
				if m.BitSize > 0 {
					fmt.Fprintf(w, " bitfield_size=%d", m.BitSize)
				}
				w.WriteByte('\n')
			case btf.KindEnum, btf.KindEnum64:
				fmt.Fprintf(w, "\t'%s' val=%s\n", t.EnumValue(i).Name, enumText(t, i))
			case btf.KindFuncProto:
				p := t.Param(i)
				fmt.Fprintf(w, "\t'%s' type_id=%d\n", anon(p.Name), p.Type)
			case btf.KindDatasec:
				v := t.SecVar(i)
				what := ""
				if to, ok := s.Type(v.Type); ok {
					what = fmt.Sprintf(" (%s '%s')", strings.ToUpper(to.Kind().String()), anon(to.Name()))
				}
				fmt.Fprintf(w, "\ttype_id=%d offset=%d size=%d%s\n", v.Type, v.Offset, v.Size, what)
			}
		}
	}
	return w.Flush()
}

func enumText(t btf.Type, i int) string {
	v := t.EnumValue(i).Value
	wide := t.Kind() == btf.KindEnum64
	switch {
	case t.Signed() && wide:
		return fmt.Sprintf("%dLL", int64(v))
	case t.Signed():
		return fmt.Sprint(int64(v))
	case wide:
		return fmt.Sprintf("%dULL", v)
	}
	return fmt.Sprint(v)
}

// jsonType is a type, with bpftool's names for what it has.
type jsonType struct {
	ID       btf.ID       `json:"id"`
	Kind     string       `json:"kind"`
	Name     string       `json:"name"`
	Size     *uint32      `json:"size,omitempty"`
	Type     *btf.ID      `json:"type_id,omitempty"`
	Result   *btf.ID      `json:"ret_type_id,omitempty"`
	Index    *btf.ID      `json:"index_type_id,omitempty"`
	Elems    *uint32      `json:"nr_elems,omitempty"`
	BitsOff  *uint32      `json:"bits_offset,omitempty"`
	Bits     *uint32      `json:"nr_bits,omitempty"`
	Encoding string       `json:"encoding,omitempty"`
	Linkage  string       `json:"linkage,omitempty"`
	Fwd      string       `json:"fwd_kind,omitempty"`
	Comp     *int         `json:"component_idx,omitempty"`
	KindFlag bool         `json:"kind_flag,omitempty"` // of tags: any other attribute
	Members  []jsonMember `json:"members,omitempty"`
	Values   []jsonValue  `json:"values,omitempty"`
	Params   []jsonMember `json:"params,omitempty"`
	Vars     []jsonVar    `json:"vars,omitempty"`
}

type jsonMember struct {
	Name   string  `json:"name"`
	Type   btf.ID  `json:"type_id"`
	Offset *uint32 `json:"bits_offset,omitempty"`
	Bits   uint32  `json:"bitfield_size,omitempty"`
}

type jsonValue struct {
	Name  string      `json:"name"`
	Value json.Number `json:"val"`
}

type jsonVar struct {
	Type   btf.ID `json:"type_id"`
	Offset uint32 `json:"offset"`
	Size   uint32 `json:"size"`
}

// dumpJSON prints one object a line.
func dumpJSON(out io.Writer, s *btf.Spec) error {
	w := bufio.NewWriterSize(out, 64<<10)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for t := range s.All() {
		if err := enc.Encode(toJSON(t)); err != nil {
			return err
		}
	}
	return w.Flush()
}

func toJSON(t btf.Type) *jsonType {
	j := &jsonType{ID: t.ID(), Kind: strings.ToUpper(t.Kind().String()), Name: t.Name()}
	size, to := t.Size(), t.Target()
	switch t.Kind() {
	case btf.KindInt:
		_, bits, off := t.Int()
		j.Size, j.Bits, j.BitsOff, j.Encoding = &size, &bits, &off, intEncoding(t)
	case btf.KindArray:
		elem, index, n := t.Array()
		j.Type, j.Index, j.Elems = &elem, &index, &n
	case btf.KindStruct, btf.KindUnion, btf.KindDatasec, btf.KindFloat:
		j.Size = &size
	case btf.KindEnum, btf.KindEnum64:
		j.Size, j.Encoding = &size, enumEncoding(t)
	case btf.KindFwd:
		j.Fwd = fwdKind(t)
	case btf.KindFunc, btf.KindVar:
		j.Type, j.Linkage = &to, linkage(t)
	case btf.KindFuncProto:
		j.Result = &to
	case btf.KindDeclTag:
		n := t.ComponentIndex()
		j.Type, j.Comp = &to, &n
	default:
		j.Type = &to
	}
	j.KindFlag = t.KindFlag() && (t.Kind() == btf.KindTypeTag || t.Kind() == btf.KindDeclTag)
	for i := range t.Vlen() {
		switch t.Kind() {
		case btf.KindStruct, btf.KindUnion:
			m := t.Member(i)
			j.Members = append(j.Members, jsonMember{m.Name, m.Type, &m.Offset, m.BitSize})
		case btf.KindEnum, btf.KindEnum64:
			text := strings.TrimRight(enumText(t, i), "UL")
			j.Values = append(j.Values, jsonValue{t.EnumValue(i).Name, json.Number(text)})
		case btf.KindFuncProto:
			p := t.Param(i)
			j.Params = append(j.Params, jsonMember{Name: p.Name, Type: p.Type})
		case btf.KindDatasec:
			v := t.SecVar(i)
			j.Vars = append(j.Vars, jsonVar(v))
		}
	}
	return j
}
