package prog

import (
	"errors"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Why a program cannot hook a function of another one: causes of a TargetError,
// beside btf.ErrNotFound for a function that the program does not have.
var (
	// ErrNoTargetProgram: a program of type Ext replaces a function of another
	// program, and Target.Program is nil.
	ErrNoTargetProgram = errors.New("no target program given: set Target.Program")
	// ErrTargetNoBTF: the target was loaded without BTF, so that its functions
	// have no names.
	ErrTargetNoBTF = errors.New("the target program has no BTF")
	// ErrTargetType: the replacement's prototype is not that of the function.
	ErrTargetType = errors.New("prototypes differ")
	// ErrTargetStatic: only global functions can be replaced.
	ErrTargetStatic = errors.New("a static function cannot be replaced")
	// ErrTargetAmbiguous: several functions of the target have the name. Set
	// Target.ID to one of their types.
	ErrTargetAmbiguous = errors.New("several functions have this name")
)

// TargetError says why a program cannot hook a function of another program.
// errors.Is finds the cause: one of the errors above, or btf.ErrNotFound.
type TargetError struct {
	Function string   // sought
	Program  string   // the target's name; "" if none is given
	Detail   string   // what more there is to say, or ""
	Have     []string // functions that the target has, those of similar names first
	Err      error
}

func (e *TargetError) Error() string {
	s := e.Function + ": "
	if e.Program != "" {
		s += "program " + e.Program + ": "
	}
	if s += e.Err.Error(); e.Detail != "" {
		s += ": " + e.Detail
	}
	const most = 8
	if n := len(e.Have); n > most {
		s += "; it has " + strings.Join(e.Have[:most], ", ") + " and more"
	} else if n > 0 {
		s += "; it has " + strings.Join(e.Have, ", ")
	}
	return s
}

// Unwrap gives the cause.
func (e *TargetError) Unwrap() error { return e.Err }

// Func gives the type of a function of the program, in the program's BTF: what
// Target.ID is to be for a program that hooks it. The program's own name and
// those of functions that it calls are known, static ones included. The error
// of an unknown name is a *TargetError. Requires Linux 5.0 and CAP_SYS_ADMIN.
func (p *Program) Func(name string) (btf.ID, error) {
	t, err := p.findFunc(name)
	if err != nil {
		return 0, mkerr.Wrap("function %w", err)
	}
	return t.ID(), nil
}

// findFunc looks for a function in the program's own BTF. Of types that are no
// functions of the program (the BTF is that of a whole object) it knows where the
// kernel tells which are.
func (p *Program) findFunc(name string) (btf.Type, error) {
	id, own, err := p.funcTypes()
	if err != nil {
		return btf.Type{}, p.noFunc(name, err, nil, "")
	}
	if id == 0 {
		return btf.Type{}, p.noFunc(name, ErrTargetNoBTF, nil, "")
	}
	h, err := handle.FromID(id)
	if err != nil {
		return btf.Type{}, p.noFunc(name, err, nil, "")
	}
	defer h.Close()
	types, err := h.Spec(nil)
	if err != nil {
		return btf.Type{}, p.noFunc(name, err, nil, "")
	}
	var found []btf.Type
	var have []string
	for _, t := range functions(types, own) {
		if have = append(have, t.Name()); t.Name() == name {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return btf.Type{}, p.noFunc(name, btf.ErrNotFound, have, "")
	case 1:
		return found[0], nil
	}
	detail := ""
	for _, t := range found {
		detail += "[" + strconv.FormatUint(uint64(t.ID()), 10) + "] " + t.String() + ", "
	}
	return btf.Type{}, p.noFunc(name, ErrTargetAmbiguous, nil, strings.TrimSuffix(detail, ", "))
}

// noFunc is not inlined for the size of programs.
//
//go:noinline
func (p *Program) noFunc(name string, err error, have []string, detail string) error {
	return &TargetError{Function: name, Program: p.name, Err: err, Have: nearest(name, have), Detail: detail}
}

// functions gives the functions of ids, each once, or all if there are no ids. It
// is not inlined for the size of programs, as both ways to go through the types
// are loops of their own.
//
//go:noinline
func functions(types *btf.Spec, ids []btf.ID) (list []btf.Type) {
	if len(ids) == 0 {
		for id := btf.ID(1); int(id) < types.Len(); id++ {
			ids = append(ids, id)
		}
	}
	seen := make(map[btf.ID]bool, len(ids))
	for _, id := range ids {
		if t, ok := types.Type(id); ok && t.Kind() == btf.KindFunc && !seen[id] {
			seen[id] = true
			list = append(list, t)
		}
	}
	return list
}

// funcTypes asks for the program's BTF, and for the types of its functions. The
// latter are hidden from those without CAP_BPF.
func (p *Program) funcTypes() (id uint32, types []btf.ID, err error) {
	err = p.with("info", func(fd int) error {
		var n sys.ProgInfo
		if err := sys.ObjGetInfoByFD(fd, &n); err != nil {
			return err
		}
		id = n.BtfId
		records := table(n.NrFuncInfo, n.FuncInfoRecSize)
		if len(records) == 0 {
			return nil
		}
		r := &raw{info: sys.ProgInfo{
			NrFuncInfo: count(records, n.FuncInfoRecSize), FuncInfoRecSize: n.FuncInfoRecSize, FuncInfo: sys.BytesPtr(records),
		}}
		if err := sys.ObjGetInfoByFD(fd, &r.info); err != nil {
			return err
		}
		r.records(records[:min(len(records), int(r.info.NrFuncInfo*r.info.FuncInfoRecSize))], nil, nil)
		for _, f := range r.funcs {
			types = append(types, f.Type)
		}
		return nil
	})
	return id, types, err
}

// mismatch explains the refusal of a program whose prototype is not that of the
// function it is to replace; err itself otherwise. Only the kernel decides what
// fits (btf_check_func_type_match): it is asked first.
func (s *Spec) mismatch(err error) error {
	if s.Type != Ext || s.Target.Program == nil || s.Types == nil || len(s.Funcs) == 0 {
		return err
	}
	own, ok := s.Types.Type(s.Funcs[0].Type)
	if !ok {
		return err
	}
	theirs, ferr := s.Target.Program.typeOf(s.Target.ID)
	if ferr != nil {
		return err
	}
	e := &TargetError{Function: theirs.Name(), Program: s.Target.Program.name}
	switch {
	case theirs.Linkage() == btf.LinkageStatic:
		e.Err = mkerr.Errorf("%w: %w", ErrTargetStatic, err)
	case !btf.Compatible(s.Types, own.Target(), theirs.Spec(), theirs.Target()):
		e.Err = mkerr.Errorf("%w: %s cannot stand for %s: %w", ErrTargetType, own, theirs, err)
	default:
		return err
	}
	return e
}

// typeOf is a type of the program's BTF.
func (p *Program) typeOf(id btf.ID) (btf.Type, error) {
	obj, _, err := p.funcTypes()
	if err != nil {
		return btf.Type{}, err
	}
	h, err := handle.FromID(obj)
	if err != nil {
		return btf.Type{}, err
	}
	defer h.Close()
	types, err := h.Spec(nil)
	if err != nil {
		return btf.Type{}, err
	}
	t, ok := types.Type(id)
	if !ok || t.Kind() != btf.KindFunc {
		return btf.Type{}, btf.ErrNotFound
	}
	return t, nil
}
