package btf

import (
	"errors"
	"fmt"
	"strings"
)

// choose matches every candidate. All that match must lead to one place and
// value.
func (r *Relocator) choose(root ID, list []cand, old number) (Fixup, error) {
	m := &r.m
	fix := Fixup{Kind: m.kind, Old: old.value, Validate: old.validate, OldSize: old.size}
	var first uint64 // bit offset of the first match
	matched := 0
	var matching [8]int // candidates that match; more are counted only
	for i, cand := range list {
		ok, err := m.match(cand.t)
		if err != nil {
			return Fixup{}, fmt.Errorf("candidate [%d] %s: %w", cand.t.id, cand.t.cstring(), err)
		}
		if !ok {
			continue
		}
		next := fix
		next.Module, next.Target = cand.module, cand.t.id
		if err := next.fill(&m.target, old); err != nil {
			return Fixup{}, err
		}
		if matched == 0 {
			fix, first = next, m.target.bits
		} else if m.target.bits != first || next.Poison != fix.Poison || next.New != fix.New {
			return Fixup{}, r.ambiguous(list, old)
		}
		if matched < len(matching) {
			matching[matched] = i
		}
		matched++
	}
	if matched == 0 {
		err := fix.fill(nil, old)
		fix.Why = r.why(list)
		return fix, err
	}
	if matched < len(list) && matched <= len(matching) {
		// Others may share the list.
		kept := make([]cand, matched)
		for i := range kept {
			kept[i] = list[matching[i]]
		}
		r.cands[root] = kept
	}
	return fix, nil
}

// fill sets the target's side of a Fixup; p is nil if nothing matched.
func (f *Fixup) fill(p *access, old number) error {
	n, err := calc(f.Kind, p)
	if errors.Is(err, errPoison) {
		f.Poison = true
		return nil
	}
	if err != nil {
		return err
	}
	f.New, f.NewSize = n.value, n.size
	f.BadSize = n.size != old.size && !resizable(old.typ, n.typ)
	return nil
}

// resizable reports whether a load may change its width: between pointers, or
// unsigned integers, whose value survives the zero extension.
func resizable(l, t Type) bool {
	if l.Kind() == KindPtr && t.Kind() == KindPtr {
		return true
	}
	if l.Kind() != KindInt || t.Kind() != KindInt {
		return false
	}
	le, _, _ := l.rawInt()
	te, _, _ := t.rawInt()
	return le != IntSigned && te != IntSigned
}

// maxListed bounds the candidates that an error names.
const maxListed = 8

func (r *Relocator) ambiguous(list []cand, old number) error {
	m := &r.m
	m.budget = matchBudget
	e := &AmbiguousError{Relo: fmt.Sprintf("CO-RE %s of %s", m.kind, m.local.describe(m.kind))}
	for _, cand := range list {
		if len(e.Candidates) == maxListed {
			break
		}
		if ok, err := m.match(cand.t); !ok || err != nil {
			continue
		}
		f := Fixup{Kind: m.kind}
		if f.fill(&m.target, old) != nil {
			continue
		}
		e.Candidates = append(e.Candidates, Candidate{
			Module: cand.module, ID: cand.t.id, Type: cand.t.cstring(),
			BitOffset: uint32(m.target.bits), Value: f.New, Poison: f.Poison,
		})
	}
	return e
}

// why says what was sought and what is wrong with each candidate.
func (r *Relocator) why(list []cand) string {
	m := &r.m
	var b strings.Builder
	b.WriteString(m.local.describe(m.kind))
	if len(list) == 0 {
		b.WriteString(": no such type in the target")
		if r.k != nil {
			r.k.mu.Lock()
			defer r.k.mu.Unlock()
			for _, e := range r.k.broken() {
				fmt.Fprintf(&b, "; skipped %v", e)
			}
		}
		return b.String()
	}
	m.budget = matchBudget
	what := "member"
	switch {
	case m.kind.enumval():
		what = "value"
	case m.kind.typ():
		what = "type"
	}
	fmt.Fprintf(&b, ": no such %s; candidates:", what)
	for i, cand := range list {
		if i == maxListed {
			fmt.Fprintf(&b, " and %d more", len(list)-i)
			break
		}
		m.match(cand.t)
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " [%d] %s", cand.t.id, cand.t.cstring())
		if m.why.what != "" {
			fmt.Fprintf(&b, " (%v)", m.why)
		}
	}
	return b.String()
}
