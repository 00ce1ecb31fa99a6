package btf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Editor makes a changed copy of a Spec. Ids never move: types are changed in
// place or added at the end. The first error sticks and is returned by Spec.
// An Editor is not safe for concurrent use.
type Editor struct {
	// s begins as from and takes copies of what is changed: of the blob before
	// the first change (shared until then), of the rest as it is appended to.
	s      *Spec
	shared bool
	dirty  bool
	// reshaped: what refers to what may have changed, so that all has to be
	// checked anew. Other edits write only what the Editor itself knows to be
	// sound: names it added, numbers that are no references.
	reshaped bool
	from     *Spec
	added    map[string]uint32
	err      error
	// noLayout drops the layout section: kernels before 7.1 refuse it.
	noLayout bool
}

// Edit starts a copy.
func (s *Spec) Edit() *Editor {
	h := s.onHeap()
	if h == nil {
		return &Editor{err: ErrClosed}
	}
	c := &Spec{
		raw: h.raw, hdr: h.hdr, base: h.base, first: h.first, strOff: h.strOff, shapes: h.shapes,
		types: h.types,
		strs:  h.strs,
		index: index{slices.Clip(h.index.offs), h.index.shift, h.index.n},
	}
	return &Editor{s: c, shared: true, from: h, reshaped: !h.sound}
}

// unshare makes the blob, and with it the types, the Editor's own.
func (e *Editor) unshare() {
	if !e.shared {
		return
	}
	e.shared = false
	h := &e.s.hdr
	e.s.raw = bytes.Clone(e.s.raw)
	e.s.types = e.s.raw[h.len:][h.typeOff:][:h.typeLen:h.typeLen]
}

func (e *Editor) failf(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("edit BTF: "+format, args...)
	}
}

// own gives the type with that id if it is of one of the kinds and not the
// base's.
func (e *Editor) own(id ID, verb string, want kindSet) (Type, bool) {
	if e.err != nil {
		return Type{}, false
	}
	if id < e.s.first {
		e.failf("%s of type %d: void or of the base", verb, id)
		return Type{}, false
	}
	t, ok := e.s.typ(id)
	if !ok || !want.has(t.Kind()) {
		e.failf("%s of type %d: %s has none", verb, id, t.Kind())
		return Type{}, false
	}
	return t, true
}

func (e *Editor) order() binary.ByteOrder { return e.s.Order() }

// put changes a word; writing what is there is no change.
func (e *Editor) put(off, v uint32) {
	if e.s.u32(e.s.types[off:]) != v {
		e.unshare()
		e.order().PutUint32(e.s.types[off:], v)
		e.dirty = true
	}
}

// using is the set of kinds whose size/type word is used so.
func using(u refUse) kindSet {
	var set kindSet
	for k := range kinds {
		if kinds[k].use == u {
			set |= 1 << k
		}
	}
	return set
}

// SetSize sets the size in bytes of a type that has one.
func (e *Editor) SetSize(id ID, n uint32) {
	if t, ok := e.own(id, "size", using(aSize)); ok {
		e.reshaped = e.reshaped || t.Kind() != KindDatasec
		e.put(t.off-4, n)
	}
}

// SetTarget sets what Type.Target reads, except of an array.
func (e *Editor) SetTarget(id, target ID) {
	if t, ok := e.own(id, "target", using(aType)); ok {
		to, _ := e.s.typ(target)
		e.reshaped = e.reshaped || t.Kind() != KindVar || to.Kind() != KindInt
		e.put(t.off-4, uint32(target))
	}
}

// SetName names a type; "" makes it anonymous.
func (e *Editor) SetName(id ID, name string) {
	if t, ok := e.own(id, "name", anyKind); ok {
		e.put(t.off-typeSize, e.AddString(name))
	}
}

// SetLinkage sets the linkage of a FUNC or VAR.
func (e *Editor) SetLinkage(id ID, l Linkage) {
	t, ok := e.own(id, "linkage", linkedKind)
	switch {
	case !ok:
	case t.Kind() == KindVar:
		e.put(t.off, uint32(l))
	default:
		e.put(t.off-8, t.info&^0xffffff|uint32(l))
	}
}

// elem is the place of the i-th element of a type.
func (e *Editor) elem(id ID, i int, verb string, want kindSet) (uint32, bool) {
	t, ok := e.own(id, verb, want)
	if !ok {
		return 0, false
	}
	if uint(i) >= uint(t.Vlen()) {
		e.failf("%s %d of type %d: it has %d", verb, i, id, t.Vlen())
		return 0, false
	}
	return t.off + uint32(i)*uint32(kinds[t.Kind()].elem), true
}

// SetSecVar sets one variable of a DATASEC.
func (e *Editor) SetSecVar(id ID, i int, v SecVar) {
	if off, ok := e.elem(id, i, "variable", 1<<KindDatasec); ok {
		e.reshaped = e.reshaped || e.order().Uint32(e.s.types[off:]) != uint32(v.Type)
		e.putSecVar(off, v)
	}
}

func (e *Editor) putSecVar(off uint32, v SecVar) {
	e.put(off, uint32(v.Type))
	e.put(off+4, v.Offset)
	e.put(off+8, v.Size)
}

// SortSecVars orders the variables of a DATASEC by offset, as the kernel wants
// them.
func (e *Editor) SortSecVars(id ID) {
	t, ok := e.own(id, "variables", 1<<KindDatasec)
	if !ok {
		return
	}
	vars := make([]SecVar, t.Vlen())
	for i := range vars {
		vars[i] = t.SecVar(i)
	}
	bin.Sort(vars, func(a, b *SecVar) bool { return a.Offset < b.Offset })
	for i, v := range vars {
		e.putSecVar(t.off+uint32(i)*uint32(kinds[KindDatasec].elem), v)
	}
}

// SetParamName names a parameter of a FUNC_PROTO.
func (e *Editor) SetParamName(id ID, i int, name string) {
	if off, ok := e.elem(id, i, "parameter", 1<<KindFuncProto); ok {
		e.put(off, e.AddString(name))
	}
}

// SetMember sets name, type, offset and width of a member. A width needs a
// type whose KindFlag is set.
func (e *Editor) SetMember(id ID, i int, m Member) {
	off, ok := e.elem(id, i, "member", compound)
	if !ok {
		return
	}
	t, _ := e.s.typ(id)
	pos := m.Offset
	if t.KindFlag() {
		pos = m.Offset&0xffffff | m.BitSize<<24
	}
	if got := pos & 0xffffff; t.KindFlag() && (got != m.Offset || m.BitSize > 0xff) || !t.KindFlag() && m.BitSize != 0 {
		e.failf("member %d of type %d: offset %d and width %d cannot be stored", i, id, m.Offset, m.BitSize)
		return
	}
	e.reshaped = true
	e.put(off, e.AddString(m.Name))
	e.put(off+4, uint32(m.Type))
	e.put(off+8, pos)
}

// AddString gives the offset of s in the string section, adding it at need.
// Strings of the base are not looked through.
func (e *Editor) AddString(s string) uint32 {
	if s == "" || e.err != nil {
		return 0
	}
	if off, ok := e.added[s]; ok {
		return off
	}
	off := e.findString(s)
	if off < 0 {
		if len(e.s.strs)+len(s)+1 > maxStrings || bytes.IndexByte([]byte(s), 0) >= 0 {
			e.failf("string %.40q: too long, or has a zero byte", s)
			return 0
		}
		if len(e.s.strs) == 0 && e.s.base == nil {
			e.s.strs = append(e.s.strs, 0)
		}
		off = len(e.s.strs)
		e.s.strs = append(append(e.s.strs, s...), 0)
		e.dirty = true
	}
	if e.added == nil {
		e.added = make(map[string]uint32)
	}
	e.added[s] = e.s.strOff + uint32(off)
	return e.added[s]
}

// findString is the offset of s as a whole string or the tail of one.
func (e *Editor) findString(s string) int {
	for at := 0; ; at++ {
		n := bytes.IndexByte(e.s.strs[at:], 0)
		if n < 0 {
			return -1
		}
		if at += n; at >= len(s) && string(e.s.strs[at-len(s):at]) == s {
			return at - len(s)
		}
	}
}

// add appends a record and gives its id. words follow the common ones.
func (e *Editor) add(name string, k Kind, vlen, size uint32, words ...uint32) ID {
	nameOff := e.AddString(name)
	if e.err != nil {
		return 0
	}
	if uint64(len(e.s.types))+typeSize+uint64(len(words))*4 > 1<<31 || e.s.Len() >= maxTypes {
		e.failf("add %s %s: too many types", k, name)
		return 0
	}
	e.dirty = true
	e.unshare()
	ix := &e.s.index
	if ix.n&(1<<ix.shift-1) == 0 {
		ix.offs = append(ix.offs, uint32(len(e.s.types)))
	}
	ix.n++
	for _, w := range append([]uint32{nameOff, uint32(k)<<24 | vlen, size}, words...) {
		var b [4]byte
		e.order().PutUint32(b[:], w)
		e.s.types = append(e.s.types, b[:]...)
	}
	return e.s.first + ID(ix.n-1)
}

// AddInt adds an INT of size bytes; encoding is of IntSigned, IntChar, IntBool.
func (e *Editor) AddInt(name string, size, encoding uint32) ID {
	return e.add(name, KindInt, 0, size, encoding<<24|size*8&0xff)
}

// AddVar adds a VAR.
func (e *Editor) AddVar(name string, typ ID, l Linkage) ID {
	e.reshaped = true
	return e.add(name, KindVar, 0, uint32(typ), uint32(l))
}

// AddPtr adds a PTR.
func (e *Editor) AddPtr(to ID) ID {
	e.reshaped = true
	return e.add("", KindPtr, 0, uint32(to))
}

// AddStruct adds a STRUCT of size bytes that tells nothing of its members.
func (e *Editor) AddStruct(name string, size uint32) ID {
	return e.add(name, KindStruct, 0, size)
}

// AddFuncProto adds a FUNC_PROTO.
func (e *Editor) AddFuncProto(result ID, params []Param) ID {
	e.reshaped = true
	words := make([]uint32, 0, 2*len(params))
	for _, p := range params {
		words = append(words, e.AddString(p.Name), uint32(p.Type))
	}
	return e.add("", KindFuncProto, uint32(len(params))&0xffffff, uint32(result), words...)
}

// AddFunc adds a FUNC.
func (e *Editor) AddFunc(name string, proto ID, l Linkage) ID {
	e.reshaped = true
	return e.add(name, KindFunc, uint32(l)&0xffffff, uint32(proto))
}

// AddDeclTag adds a DECL_TAG of a type, or with a component from 0 on of its
// member or parameter; -1 is the type itself.
func (e *Editor) AddDeclTag(text string, target ID, component int) ID {
	e.reshaped = true
	return e.add(text, KindDeclTag, 0, uint32(target), uint32(component))
}

// AddDatasec adds a DATASEC of size bytes.
func (e *Editor) AddDatasec(name string, size uint32, vars []SecVar) ID {
	e.reshaped = true
	words := make([]uint32, 0, 3*len(vars))
	for _, v := range vars {
		words = append(words, uint32(v.Type), v.Offset, v.Size)
	}
	return e.add(name, KindDatasec, uint32(len(vars))&0xffffff, size, words...)
}

// Spec gives the edited copy, checked as Parse does it, or the first error.
// Without a change it is the Spec that Edit was called on.
func (e *Editor) Spec() (*Spec, error) {
	if e.err != nil {
		return nil, e.err
	}
	if !e.dirty {
		return e.from, nil
	}
	if e.inPlace() {
		return e.patched(), nil
	}
	s, err := parse(e.encode(), e.s.base, e.reshaped)
	if err != nil {
		return nil, mkerr.Wrap("edit BTF: %w", err)
	}
	return s, nil
}

// inPlace reports whether all changes are in the Editor's copy of the blob,
// which has its sections as encode would lay them out, and need no check.
func (e *Editor) inPlace() bool {
	s, h := e.s, &e.s.hdr
	return !e.reshaped && !e.noLayout &&
		len(s.types) == int(h.typeLen) && len(s.strs) == int(h.strLen) &&
		h.typeOff == 0 && h.strOff == h.typeLen+h.layoutN && (h.layoutN == 0 || h.layoutOff == h.typeLen) &&
		len(s.raw) == int(h.len+h.strOff+h.strLen)
}

// patched hands the Editor's copy of the blob out: records are where they were,
// and strings are the same.
func (e *Editor) patched() *Spec {
	e.shared = true
	s := &Spec{
		raw: e.s.raw, hdr: e.s.hdr, types: e.s.types, strs: e.s.strs, base: e.s.base, first: e.s.first,
		strOff: e.s.strOff, shapes: e.s.shapes, index: e.s.index, sound: true,
	}
	s.text.Store(e.from.text.Load())
	return s
}
