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

	mu      sync.Mutex         // of all that follows
	results map[relocKey]int32 // index in known
	known   []result
	cands   map[ID][]cand  // target types of a local root type
	m       matcher        // scratch
	room    [2][8]accessor // of m, for the usual lengths
}

// relocKey tells relocations with one outcome apart.
type relocKey struct {
	root   ID
	kind   COREKind
	access string
}

type result struct {
	fix Fixup
	err error
}

func newRelocator(local *Spec) *Relocator {
	r := &Relocator{
		local:   local.onHeap(),
		results: make(map[relocKey]int32),
		cands:   make(map[ID][]cand),
	}
	r.m.local.acc, r.m.target.acc = r.room[0][:0], r.room[1][:0]
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
// them in this order. It is optional. Relocations that cannot be resolved are
// reported by Resolve; the error is that of reading the target.
func (r *Relocator) Prepare(relos []*CORERelo) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []sought
	for _, relo := range relos {
		t, ok := r.local.typ(relo.Root)
		if _, known := r.cands[relo.Root]; !ok || known || relo.Kind == CORETypeIDLocal || t.name == 0 {
			continue
		}
		names = append(names, sought{name: string(essential(t.nameBytes())), kinds: like(t.Kind())})
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
		if _, ok := r.results[relocKey{relo.Root, relo.Kind, relo.Access}]; !ok {
			r.keep(relo)
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
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.results[relocKey{relo.Root, relo.Kind, relo.Access}]; ok {
		return r.known[i].fix, r.known[i].err
	}
	if relo.Kind != CORETypeIDLocal {
		if err := r.enter(); err != nil {
			return Fixup{}, r.wrap(relo, err)
		}
		defer r.leave()
	}
	return r.keep(relo)
}

// keep resolves what is not known yet and keeps the outcome.
func (r *Relocator) keep(relo *CORERelo) (Fixup, error) {
	fix, err := r.resolve(relo)
	err = r.wrap(relo, err)
	r.results[relocKey{relo.Root, relo.Kind, relo.Access}] = int32(len(r.known))
	r.known = append(r.known, result{fix, err})
	return fix, err
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

func (r *Relocator) resolve(relo *CORERelo) (Fixup, error) {
	m := &r.m
	m.kind, m.budget = relo.Kind, matchBudget
	if err := m.local.parse(r.local, relo); err != nil {
		return Fixup{}, err
	}
	if relo.Kind == CORETypeIDLocal {
		return Fixup{Kind: relo.Kind, Old: uint64(relo.Root), New: uint64(relo.Root), Target: relo.Root}, nil
	}
	c, err := r.candidates(relo.Root)
	if err != nil {
		return Fixup{}, err
	}
	old, err := calc(relo.Kind, &m.local)
	if err != nil {
		return Fixup{}, err
	}
	return r.choose(relo.Root, c, old)
}

// candidates looks up the target types for a local one. An error is not kept.
// Those that a matching relocation rules out are dropped for the later ones, as
// libbpf does it.
func (r *Relocator) candidates(root ID) ([]cand, error) {
	if list, ok := r.cands[root]; ok {
		return list, nil
	}
	t, ok := r.local.typ(root)
	if !ok {
		return nil, fmt.Errorf("no type %d", root)
	}
	name := essential(t.nameBytes())
	if len(name) == 0 {
		return nil, errors.New("a type without a name cannot be relocated")
	}
	list, err := r.lookup(name, like(t.Kind()))
	if err != nil {
		return nil, err
	}
	r.cands[root] = list
	return list, nil
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
