// Package argctx makes parameters that are tagged as a program's context
// (arg:ctx) understood by kernels that do not know the tag: there, a global
// function's parameter is the context if its type has the right name.
package argctx

import (
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
)

// Fixer changes the types of one object for all of its programs.
type Fixer struct {
	types *btf.Spec
	edit  *btf.Editor
	tags  []elf.FuncTag
	ptrs  map[string]btf.ID // pointer to the context struct of a name
}

// New gives a Fixer for an object's types; nil if it has no such tags.
func New(types *btf.Spec, tags []elf.FuncTag) *Fixer {
	f := &Fixer{types: types, ptrs: map[string]btf.ID{}}
	for _, t := range tags {
		if t.Text == elf.TagCtx && t.Param >= 0 {
			f.tags = append(f.tags, t)
		}
	}
	if types == nil || len(f.tags) == 0 {
		return nil
	}
	f.edit = types.Edit()
	return f
}

// Program gives the func_info of a program whose context has the C type ctx
// ("struct __sk_buff"): functions that need it get a type of their own, since
// programs of another type may share them. What is no pointer to something
// that could be the context stays as it is; the verifier then says so.
func (f *Fixer) Program(ctx Context, funcs []btf.FuncInfo) []btf.FuncInfo {
	var out []btf.FuncInfo
	for i := range funcs {
		if id := f.function(ctx, funcs[i].Type); id != 0 {
			if out == nil {
				out = append([]btf.FuncInfo(nil), funcs...)
			}
			out[i].Type = id
		}
	}
	if out == nil {
		return funcs
	}
	return out
}

// Types are those of the object with the changes.
func (f *Fixer) Types() (*btf.Spec, error) { return f.edit.Spec() }

// function makes the type of one function, or 0 if it is right already.
func (f *Fixer) function(ctx Context, id btf.ID) btf.ID {
	fn, ok := f.types.Type(id)
	if !ok || fn.Kind() != btf.KindFunc || fn.Linkage() != btf.LinkageGlobal {
		return 0
	}
	proto, ok := f.types.Type(fn.Target())
	if !ok || proto.Kind() != btf.KindFuncProto {
		return 0
	}
	var params []btf.Param
	var tagged []int
	for _, t := range f.tags {
		if t.Func != id || t.Param >= proto.Vlen() || !f.wrong(ctx, proto.Param(t.Param).Type) {
			continue
		}
		if params == nil {
			for i := range proto.Vlen() {
				params = append(params, proto.Param(i))
			}
		}
		params[t.Param].Type = f.pointer(ctx.Name)
		tagged = append(tagged, t.Param)
	}
	if params == nil {
		return 0
	}
	out := f.edit.AddFunc(fn.Name(), f.edit.AddFuncProto(proto.Target(), params), fn.Linkage())
	for _, i := range tagged {
		f.edit.AddDeclTag(elf.TagCtx, out, i)
	}
	return out
}

// pointer is to a struct of the context's name: the verifier goes by the name.
func (f *Fixer) pointer(name string) btf.ID {
	id, ok := f.ptrs[name]
	if !ok {
		id = f.edit.AddPtr(f.edit.AddStruct(name, 0))
		f.ptrs[name] = id
	}
	return id
}

// wrong reports whether a parameter of that type should be the context and is
// not understood as it: a pointer to void, or to what the context is by another
// name.
func (f *Fixer) wrong(ctx Context, id btf.ID) bool {
	t, ok := f.types.Strip(id)
	if !ok || t.Kind() != btf.KindPtr {
		return false
	}
	if f.named(t.Target(), ctx.Typedef) {
		return false
	}
	if t.Target() == 0 {
		return true
	}
	to, ok := f.types.Strip(t.Target())
	switch {
	case !ok || to.Kind() == btf.KindVoid:
		return true
	case to.Kind() == btf.KindStruct && to.Name() == ctx.Name:
		return false
	case to.Kind() == btf.KindInt:
		return ctx.Words && to.Size() == 8
	}
	return to.Kind() == btf.KindStruct && ctx.Aliases != "" && strings.Contains(ctx.Aliases, " "+to.Name()+" ")
}

// named reports whether a type is a typedef of that name, behind qualifiers.
func (f *Fixer) named(id btf.ID, typedef string) bool {
	for range 32 {
		t, ok := f.types.Type(id)
		if !ok {
			return false
		}
		switch t.Kind() {
		case btf.KindConst, btf.KindVolatile, btf.KindRestrict, btf.KindTypeTag:
			id = t.Target()
		default:
			return typedef != "" && t.Kind() == btf.KindTypedef && t.Name() == typedef
		}
	}
	return false
}
