package compat

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/testutil"
)

// randomTypes makes up units as compilers might write them: few names, few
// members, so that much of it is twice there, nearly, or only declared.
type randomTypes struct {
	*rand.Rand
	b     *btf.Builder
	first btf.ID
	kinds []btf.Kind // of the unit's types
	// plain leaves out what Relocate judges otherwise than libbpf: unions of the
	// name of a struct, empty structs, and kind_flag where a declaration is
	// looked for.
	plain bool
}

// The kinds to draw from: what leads somewhere more often.
var randomKinds = []btf.Kind{
	btf.KindStruct, btf.KindStruct, btf.KindStruct, btf.KindUnion, btf.KindFwd, btf.KindFwd, btf.KindPtr, btf.KindPtr, btf.KindPtr, btf.KindPtr,
	btf.KindTypedef, btf.KindConst, btf.KindVolatile, btf.KindRestrict, btf.KindArray, btf.KindEnum, btf.KindEnum64, btf.KindInt, btf.KindFloat,
	btf.KindFuncProto, btf.KindFunc, btf.KindDeclTag, btf.KindTypeTag, btf.KindVar, btf.KindDatasec,
}

// named are the kinds of declarations, which nothing but some of them refers to.
func named(k btf.Kind) bool {
	return k == btf.KindFunc || k == btf.KindVar || k == btf.KindDatasec || k == btf.KindDeclTag
}

func isType(k btf.Kind) bool  { return !named(k) }
func isValue(k btf.Kind) bool { return !named(k) && k != btf.KindFuncProto && k != btf.KindFwd }

func is(want ...btf.Kind) func(btf.Kind) bool {
	return func(k btf.Kind) bool {
		for _, w := range want {
			if k == w {
				return true
			}
		}
		return false
	}
}

func (r *randomTypes) name(prefix string, n int) string { return fmt.Sprint(prefix, r.IntN(n)) }

// before gives an earlier type of the unit for which ok is true; the first, an
// int, if there is none.
func (r *randomTypes) before(ok func(btf.Kind) bool) btf.ID { return r.among(len(r.kinds), ok) }

func (r *randomTypes) among(n int, ok func(btf.Kind) bool) btf.ID {
	for range 20 {
		if i := r.IntN(n); ok(r.kinds[i]) {
			return r.first + btf.ID(i)
		}
	}
	return r.first
}

// unit adds up to n types.
func (r *randomTypes) unit(n int) {
	r.first = r.b.NextID()
	all := []btf.Kind{btf.KindInt}
	for range r.IntN(n) + 1 {
		all = append(all, randomKinds[r.IntN(len(randomKinds))])
	}
	for i, k := range all {
		r.kinds = all[:i]
		if !r.add(k, all) {
			r.b.AddInt("alone", 4, 0)
			all[i] = btf.KindInt
		}
	}
}

// add adds a type of that kind; false if what it needs is not there.
func (r *randomTypes) add(k btf.Kind, all []btf.Kind) bool {
	b := r.b
	switch k {
	case btf.KindInt:
		b.AddInt(r.name("int", 2), 4, uint32(r.IntN(2)))
	case btf.KindFloat:
		b.AddFloat("float", 4<<r.IntN(2))
	case btf.KindStruct, btf.KindUnion:
		r.compound(k, all)
	case btf.KindFwd:
		b.AddFwd(r.name("s", 3), []btf.Kind{btf.KindStruct, btf.KindUnion}[r.IntN(4)/3*r.loose()])
	case btf.KindPtr:
		r.kinds = all
		at := int(b.NextID() - r.first)
		ahead := is(btf.KindStruct, btf.KindUnion, btf.KindFwd)
		b.AddPtr(r.among(len(all), ahead))
		r.kinds = all[:at]
	case btf.KindTypedef:
		b.AddTypedef(r.name("t", 2), r.before(isType))
	case btf.KindConst:
		b.AddConst(r.before(isType))
	case btf.KindVolatile:
		b.AddVolatile(r.before(isType))
	case btf.KindRestrict:
		b.AddRestrict(r.before(isType))
	case btf.KindTypeTag:
		if r.IntN(2) == 0 {
			b.AddTypeTag(r.name("tag", 2), r.before(isType))
		} else {
			b.AddTypeAttr(r.name("tag", 2), r.before(isType))
		}
	case btf.KindArray:
		b.AddArray(r.before(isValue), r.first, uint32(r.IntN(2)))
	case btf.KindEnum:
		b.AddEnum(r.name("e", 2), 4, r.IntN(2) == 0, r.constants())
	case btf.KindEnum64:
		b.AddEnum64(r.name("e", 2), 8, r.IntN(2) == 0, r.constants())
	case btf.KindFuncProto:
		var params []btf.Param
		for i := range r.IntN(3) {
			params = append(params, btf.Param{Name: fmt.Sprint("p", i), Type: r.before(isValue)})
		}
		b.AddFuncProto(r.before(isValue), params)
	case btf.KindVar:
		b.AddVar(r.name("v", 2), r.before(isValue), btf.LinkageGlobal)
	default:
		return r.declaration(k)
	}
	return true
}

func (r *randomTypes) declaration(k btf.Kind) bool {
	of := map[btf.Kind]func(btf.Kind) bool{
		btf.KindFunc: is(btf.KindFuncProto), btf.KindDatasec: is(btf.KindVar), btf.KindDeclTag: is(btf.KindStruct, btf.KindTypedef, btf.KindFunc),
	}[k]
	to := r.before(of)
	if !of(r.kinds[to-r.first]) {
		return false
	}
	switch k {
	case btf.KindFunc:
		r.b.AddFunc(r.name("f", 2), to, btf.Linkage(r.IntN(3)))
	case btf.KindDatasec:
		r.b.AddDatasec(".data", 8, []btf.SecVar{{Type: to, Size: 4}})
	default:
		if r.IntN(2) == 0 {
			r.b.AddDeclTag(r.name("d", 2), to, -1)
		} else {
			r.b.AddDeclAttr(r.name("d", 2), to, -1)
		}
	}
	return true
}

// loose is 1 unless the types are plain.
func (r *randomTypes) loose() int {
	if r.plain {
		return 0
	}
	return 1
}

func (r *randomTypes) constants() (values []btf.EnumValue) {
	for i := range r.IntN(3) {
		values = append(values, btf.EnumValue{Name: fmt.Sprint("A", i), Value: uint64(r.IntN(2))})
	}
	return values
}

func (r *randomTypes) compound(k btf.Kind, all []btf.Kind) {
	name := r.name("s", 3)
	switch {
	case r.IntN(6) == 0:
		name = ""
	case r.plain && k == btf.KindUnion:
		name = r.name("u", 3)
	}
	bits := r.IntN(4)*r.loose() == 3
	var members []btf.Member
	for i := range r.IntN(3-(1-r.loose())) + 1 - r.loose() {
		m := btf.Member{Name: fmt.Sprint("m", i), Offset: 64 * uint32(i)}
		if r.IntN(3) == 0 {
			m.Type = r.before(isValue)
		} else {
			done := len(r.kinds)
			r.kinds = all
			m.Type = r.among(len(all), is(btf.KindPtr)) // also one that comes later
			r.kinds = all[:done]
		}
		if bits {
			m.BitSize = uint32(r.IntN(3))
		}
		members = append(members, m)
	}
	size := 8 * uint32(len(members))
	if k == btf.KindStruct {
		r.b.AddStruct(name, size, members)
		return
	}
	for i := range members {
		members[i].Offset = 0
	}
	r.b.AddUnion(name, size, members)
}

// spec is that many units of up to n types, one after another.
func (r *randomTypes) spec(t *testing.T, base *btf.Spec, units, n int) *btf.Spec {
	t.Helper()
	r.b = btf.NewBuilder(&btf.BuilderOptions{Base: base})
	for range units {
		r.unit(n)
	}
	s, err := r.b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRandomTypesLikeLibbpf: what is made up is deduplicated, distilled and
// relocated to the bytes that libbpf gives.
func TestRandomTypesLikeLibbpf(t *testing.T) {
	testutil.NeedTime(t)
	oracle, dir := btfOracle(t), t.TempDir()
	done, relocated, refused := 0, 0, 0
	for seed := range uint64(randomRounds) {
		r := &randomTypes{Rand: rand.New(rand.NewPCG(seed, 1)), plain: seed%2 == 0}
		var base *btf.Spec
		if r.plain || seed%3 == 0 {
			base = mustDedup(t, r.spec(t, nil, 1+r.IntN(3), 12))
		}
		s := r.spec(t, base, 2+r.IntN(4), 12)
		got, err := btf.Dedup(s, nil)
		if err != nil && strings.Contains(err.Error(), "contains itself") {
			continue // libbpf writes it
		}
		path, basePath, out := save(t, dir, "in", s), "-", filepath.Join(dir, "out")
		if base != nil {
			basePath = save(t, dir, "base", base)
		}
		if msg, failed := exec.Command(oracle, "dedup", path, basePath, out).CombinedOutput(); failed != nil || err != nil {
			t.Fatalf("seed %d: libbpf: %v: %s; Dedup: %v", seed, failed, msg, err)
		}
		sameTypes(t, fmt.Sprint("seed ", seed), out, base, got.Types)
		if done++; r.plain && !t.Failed() {
			to := mustDedup(t, concatenated(t, nil, r.spec(t, nil, 2, 12), base))
			if checkDistill(t, oracle, dir, base, got.Types, to) {
				relocated++
			} else {
				refused++
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: base %s\nsplit %s", seed, strings.Join(lines(base), "\n"), strings.Join(lines(s), "\n"))
		}
	}
	t.Logf("%d deduplicated; %d relocated, %d refused by both", done, relocated, refused)
	if done < randomRounds/2 || relocated == 0 || refused == 0 {
		t.Error("they show too little")
	}
}

// randomRounds take 10 seconds.
const randomRounds = 250

func mustDedup(t *testing.T, s *btf.Spec) *btf.Spec {
	t.Helper()
	d, err := btf.Dedup(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Types
}
