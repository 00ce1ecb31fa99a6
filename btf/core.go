package btf

import (
	"errors"
	"fmt"
	"sync"
)

// Relocator computes CO-RE relocations of one object against one kernel or a
// set of blobs, by libbpf's rules. It keeps what it found, so asking again is
// cheap; it is owned by the caller and safe for concurrent use.
type Relocator struct {
	local   *Spec
	k       *Kernel
	targets []*module // instead of k

	mu    sync.Mutex // of all that follows
	known outcomes
	roots coreRoots
	slow  bool    // for tests: nothing is resolved directly
	m     matcher // scratch
	room  [8]step // of m, for the usual lengths
}

func newRelocator(local *Spec) *Relocator {
	r := &Relocator{local: local.onHeap()}
	r.m.local.path = r.room[:0]
	return r
}

// NewRelocator resolves the relocations of local against k: vmlinux, and the
// modules for types that vmlinux does not have.
func NewRelocator(local *Spec, k *Kernel) *Relocator {
	r := newRelocator(local)
	r.k = k
	return r
}

// NewRelocatorFor resolves against given blobs instead of the running kernel.
// The first, or its base, is searched first; the others only for types that it
// lacks.
func NewRelocatorFor(local *Spec, targets ...*Spec) *Relocator {
	r := newRelocator(local)
	seen := make(map[*Spec]bool)
	for _, t := range targets {
		var line []*Spec
		for ; t != nil && !seen[t]; t = t.base {
			seen[t] = true
			line = append(line, t)
		}
		for i := len(line) - 1; i >= 0; i-- {
			r.targets = append(r.targets, &module{spec: line[i]})
		}
	}
	return r
}

// enter keeps the targets from being unmapped until leave.
func (r *Relocator) enter() error {
	if r.k != nil {
		if !r.k.guard.enter() {
			return ErrClosed
		}
		return nil
	}
	for i, t := range r.targets {
		if !t.spec.guard.enter() {
			for _, t := range r.targets[:i] {
				t.spec.guard.leave()
			}
			return ErrClosed
		}
	}
	return nil
}

func (r *Relocator) leave() {
	if r.k != nil {
		r.k.guard.leave()
		return
	}
	for _, t := range r.targets {
		t.spec.guard.leave()
	}
}

// Prepare finds the candidates of all relocations in one pass and resolves
// them in this order, where it matters. It is optional. Relocations that cannot be resolved are
// reported by Resolve; the error is that of reading the target.
func (r *Relocator) Prepare(relos []*CORERelo) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []sought
	for _, relo := range relos {
		root := r.roots.get(r.local, relo.Root)
		if !root.ok || root.searched || root.sought || relo.Kind == CORETypeIDLocal || root.t.name == 0 {
			continue
		}
		root.sought = true
		names = append(names, sought{name: string(essential(root.t.nameBytes())), kinds: like(root.t.Kind())})
	}
	if len(names) == 0 {
		return nil
	}
	if err := r.enter(); err != nil {
		return err
	}
	defer r.leave()
	if err := r.find(names); err != nil {
		return err
	}
	for _, relo := range relos {
		root := r.roots.get(r.local, relo.Root)
		if relo.Kind.direct() && !r.slow && (root.members != nil || r.indexed(root)) {
			continue // Resolve is as quick without
		}
		if res, known := r.known.get(relo); !known {
			r.keep(root, res)
		}
	}
	return nil
}

func (r *Relocator) find(names []sought) error {
	if r.k != nil {
		r.k.mu.Lock()
		defer r.k.mu.Unlock()
		return r.k.findInVmlinux(names)
	}
	for _, t := range r.targets {
		if list := t.missing(names); len(list) > 0 {
			if err := t.search(list); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resolve computes one relocation. A target that lacks what is sought is not
// an error: the Fixup says so, and why. Errors are malformed relocations,
// targets that cannot be read, and *AmbiguousError.
func (r *Relocator) Resolve(relo *CORERelo) (Fixup, error) {
	var fix Fixup
	var err error
	r.mu.Lock()
	root := r.roots.get(r.local, relo.Root)
	if !relo.Kind.direct() || !r.tryDirect(root, relo, &fix) {
		res, known := r.known.get(relo)
		if !known {
			r.enterKeep(root, res)
		}
		fix, err = res.fix, res.err
	}
	r.mu.Unlock()
	return fix, err
}

// tryDirect is direct for those that are not past the guard.
func (r *Relocator) tryDirect(root *coreRoot, relo *CORERelo, fix *Fixup) bool {
	if r.slow || r.enter() != nil {
		return false
	}
	ok := r.direct(root, relo, fix)
	r.leave()
	return ok
}

// enterKeep is keep for those that are not past the guard. That the target is
// closed is an outcome too, as it stays so.
func (r *Relocator) enterKeep(root *coreRoot, res *outcome) {
	if res.relo.Kind == CORETypeIDLocal {
		r.keep(root, res)
		return
	}
	if err := r.enter(); err != nil {
		res.err = r.wrap(&res.relo, err)
		return
	}
	r.keep(root, res)
	r.leave()
}

// keep resolves what is not known yet.
func (r *Relocator) keep(root *coreRoot, res *outcome) {
	if err := r.resolve(root, &res.relo, &res.fix); err != nil {
		res.fix, res.err = Fixup{}, r.wrap(&res.relo, err)
	}
}

func (r *Relocator) wrap(relo *CORERelo, err error) error {
	if err == nil {
		return nil
	}
	if _, ambiguous := errors.AsType[*AmbiguousError](err); ambiguous {
		return err
	}
	name := fmt.Sprintf("type %d", relo.Root)
	if t, ok := r.local.typ(relo.Root); ok {
		name = t.cstring()
	}
	return fmt.Errorf("CO-RE %s of %s (%s): %w", relo.Kind, name, shown(relo.Access), err)
}

func (r *Relocator) resolve(root *coreRoot, relo *CORERelo, fix *Fixup) error {
	m := &r.m
	m.kind, m.budget = relo.Kind, matchBudget
	if !root.ok {
		return fmt.Errorf("no type %d", relo.Root)
	}
	if err := m.local.parseIn(r.local, relo, &root.stripped); err != nil {
		return err
	}
	if relo.Kind == CORETypeIDLocal {
		*fix = Fixup{Kind: relo.Kind, Old: uint64(relo.Root), New: uint64(relo.Root), Target: relo.Root}
		return nil
	}
	if !root.searched {
		if err := r.candidates(root); err != nil {
			return err
		}
	}
	old, err := calc(relo.Kind, &m.local)
	if err != nil {
		return err
	}
	return r.choose(root, &old, fix)
}

// candidates looks up the target types for a local one. An error is not kept.
// Those that a matching relocation rules out are dropped for the later ones, as
// libbpf does it.
func (r *Relocator) candidates(root *coreRoot) error {
	name := essential(root.t.nameBytes())
	if len(name) == 0 {
		return errors.New("a type without a name cannot be relocated")
	}
	list, err := r.lookup(name, like(root.t.Kind()))
	if err != nil {
		return err
	}
	root.cands, root.searched, root.single = list, true, len(list) == 1
	return nil
}

func (r *Relocator) lookup(text []byte, kinds kindSet) (list []cand, err error) {
	if r.k != nil {
		return r.k.candidates(text, kinds)
	}
	name := string(text)
	for i, t := range r.targets {
		if names := t.missing([]sought{{name: name, kinds: kinds}}); len(names) > 0 {
			if err := t.search(names); err != nil {
				return nil, err
			}
		}
		if list = t.pick(name, kinds, list); i == 0 && len(list) > 0 {
			break
		}
	}
	return list, nil
}
