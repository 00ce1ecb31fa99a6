package btf

import (
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/feature"
)

// Sanitize gives the form of s that a kernel with these features accepts:
// types it does not know become ones of the same length that it does. Ids do
// not move. s itself is returned where nothing has to change. What is only
// unknown, not known to be missing, is left alone.
func Sanitize(s *Spec, f *feature.Set) *Spec {
	z := sanitizer{Editor: s.Edit()}
	if z.err != nil {
		return s
	}
	var active [kindCount][]*rule
	for i := range rules {
		if r := &rules[i]; !f.Has(r.missing) {
			active[r.kind] = append(active[r.kind], r)
		}
	}
	// The table of types grows by the placeholder, which needs no rule.
	n := ID(s.Len())
	for id := z.s.first; id < n; id++ {
		t, _ := z.s.typ(id)
		if k := t.Kind(); k < kindCount && len(active[k]) > 0 {
			active[k][0].rewrite(&z, t)
		}
	}
	if !f.Has(feature.BTFLayout) && z.s.hdr.layoutN > 0 {
		z.dirty, z.noLayout = true, true
	}
	out, err := z.Spec()
	if err != nil {
		return s // types that no kernel takes in any form
	}
	return out
}

// rule replaces a kind where a feature is missing. Of the rules for a kind the
// first that applies is used: the one for the older feature.
type rule struct {
	kind    Kind
	missing feature.ID
	rewrite func(*sanitizer, Type)
}

// The replacements are libbpf's.
var rules = [...]rule{
	{KindVar, feature.BTFDatasec, toByte},
	{KindDeclTag, feature.BTFDeclTag, toByte},
	{KindDatasec, feature.BTFDatasec, toStruct},
	{KindDatasec, feature.BTFQmarkDatasec, renameQmark},
	{KindFuncProto, feature.BTFFunc, toEnum},
	{KindFunc, feature.BTFFunc, toTypedef},
	{KindFunc, feature.BTFGlobalFunc, toStatic},
	{KindFloat, feature.BTFFloat, toAnonStruct},
	{KindTypeTag, feature.BTFTypeTag, toConst},
	{KindEnum, feature.BTFEnum64, toUnsigned},
	{KindEnum64, feature.BTFEnum64, toUnion},
}

type sanitizer struct {
	*Editor
	placeholder ID
}

func (e *Editor) setInfo(t Type, k Kind, vlen uint32) { e.put(t.off-8, uint32(k)<<24|vlen) }

// toByte makes a VAR or DECL_TAG an INT of one byte: no variable is smaller,
// so the struct that a section becomes still has room for it.
func toByte(z *sanitizer, t Type) {
	z.setInfo(t, KindInt, 0)
	z.put(t.off-4, 1)
	z.put(t.off, 8)
}

// toStruct makes a section a struct whose members are its variables.
func toStruct(z *sanitizer, t Type) {
	name, _ := t.s.str(t.name)
	name = bin.Replace(name, ".?", '_')
	z.put(t.off-typeSize, z.AddString(name))
	z.setInfo(t, KindStruct, t.vlen())
	for i := range t.vlen() {
		at := t.off + i*12
		id, off := z.s.wordAt(at, 0), z.s.wordAt(at, 1)
		v, _ := z.s.typ(ID(id))
		z.put(at, v.name)
		z.put(at+4, id)
		z.put(at+8, off*8)
	}
}

func renameQmark(z *sanitizer, t Type) {
	if name, _ := t.s.str(t.name); strings.HasPrefix(name, "?") {
		z.put(t.off-typeSize, z.AddString("_"+name[1:]))
	}
}

// toEnum keeps a function's parameter names as constants.
func toEnum(z *sanitizer, t Type) {
	z.setInfo(t, KindEnum, t.vlen())
	z.put(t.off-4, 4)
}

func toTypedef(z *sanitizer, t Type) { z.setInfo(t, KindTypedef, 0) }

func toStatic(z *sanitizer, t Type) { z.setInfo(t, KindFunc, uint32(LinkageStatic)) }

// toAnonStruct keeps the size; "float" is no name for a struct.
func toAnonStruct(z *sanitizer, t Type) {
	z.put(t.off-typeSize, 0)
	z.setInfo(t, KindStruct, 0)
}

func toConst(z *sanitizer, t Type) {
	z.put(t.off-typeSize, 0)
	z.setInfo(t, KindConst, 0)
}

func toUnsigned(z *sanitizer, t Type) { z.setInfo(t, KindEnum, t.vlen()) }

// toUnion keeps the size and the constants' names, as members of one byte.
func toUnion(z *sanitizer, t Type) {
	if z.placeholder == 0 {
		z.placeholder = z.AddInt("enum64_placeholder", 1, 0)
	}
	z.setInfo(t, KindUnion, t.vlen())
	for i := range t.vlen() {
		z.put(t.off+i*12+4, uint32(z.placeholder))
		z.put(t.off+i*12+8, 0)
	}
}
