package btf

import (
	"errors"
	"fmt"
	"strconv"
)

// choose matches every candidate. All that match must lead to one place and
// value. fix is zero.
func (r *Relocator) choose(root *coreRoot, old *number, fix *Fixup) error {
	m := &r.m
	fix.Kind, fix.Old, fix.Validate, fix.OldSize = m.kind, old.value, old.validate, old.size
	var first uint64 // bit offset of the first match
	matched := 0
	var matching uint64 // candidates that match, of the first 64
	for i := range root.cands {
		cand := &root.cands[i]
		ok, err := m.match(cand)
		if err != nil {
			return fmt.Errorf("candidate [%d] %s: %w", cand.t.id, cand.t.cstring(), err)
		}
		if !ok {
			continue
		}
		if matched == 0 {
			fix.Module, fix.Target, first = cand.module, cand.t.id, m.target.bits
			if err := fix.fill(&m.target, old); err != nil {
				return err
			}
		} else {
			next := Fixup{Kind: m.kind}
			if err := next.fill(&m.target, old); err != nil {
				return err
			}
			if m.target.bits != first || next.Poison != fix.Poison || next.New != fix.New {
				return r.ambiguous(root.cands, old)
			}
		}
		matching |= 1 << i
		matched++
	}
	if matched == 0 {
		err := fix.fill(nil, old)
		fix.Why = r.why(root.cands)
		return err
	}
	if matched < len(root.cands) && len(root.cands) <= 64 {
		// Others may share the list.
		kept := make([]cand, 0, matched)
		for i := range root.cands {
			if matching>>i&1 != 0 {
				kept = append(kept, root.cands[i])
			}
		}
		root.cands = kept
	}
	return nil
}

// fill sets the target's side of a Fixup; p is nil if nothing matched.
func (f *Fixup) fill(p *access, old *number) error {
	n, err := calc(f.Kind, p)
	if err != nil {
		if f.Poison = errors.Is(err, errPoison); f.Poison {
			return nil
		}
		return err
	}
	f.New, f.NewSize = n.value, n.size
	f.BadSize = n.size != old.size && !resizable(old.typ, n.typ)
	return nil
}

// resizable reports whether a load may change its width: between pointers, or
// unsigned integers, whose value survives the zero extension.
func resizable(l, t *Type) bool {
	if l == nil || t == nil {
		return false
	}
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

func (r *Relocator) ambiguous(list []cand, old *number) error {
	m := &r.m
	m.budget = matchBudget
	e := &AmbiguousError{Relo: string(m.local.describe([]byte("CO-RE "+m.kind.String()+" of "), m.kind))}
	for i := range list {
		if len(e.Candidates) == maxListed {
			break
		}
		cand := &list[i]
		if ok, err := m.match(cand); !ok || err != nil {
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
	b := m.local.describe(make([]byte, 0, 256), m.kind)
	if len(list) == 0 {
		b = append(b, ": no such type in the target"...)
		if r.k != nil {
			r.k.mu.Lock()
			defer r.k.mu.Unlock()
			for _, e := range r.k.broken() {
				b = append(append(b, "; skipped "...), e.Error()...)
			}
		}
		return string(b)
	}
	m.budget = matchBudget
	what := "member"
	switch {
	case m.kind.enumval():
		what = "value"
	case m.kind.typ():
		what = "type"
	}
	b = append(append(append(b, ": no such "...), what...), "; candidates:"...)
	for i := range list {
		if i == maxListed {
			b = append(append(append(b, " and "...), strconv.Itoa(len(list)-i)...), " more"...)
			break
		}
		cand := &list[i]
		m.why = refusal{}
		m.match(cand)
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, " ["...), uint64(cand.t.id), 10)
		b = cand.t.appendString(append(b, "] "...))
		if m.why.what != "" {
			b = append(m.why.append(append(b, " ("...)), ')')
		}
	}
	return string(b)
}
