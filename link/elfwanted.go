package link

import (
	"strings"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/mkerr"
)

// wanted is a function that is sought, and the best symbol so far.
type wanted struct {
	name, base, version string

	best   elffile.Symbol
	rank   int  // of best; 0 is none
	clash  bool // another place has the same rank
	err    error
	offset uint64  // in the file, once settled
	next   *wanted // of the same slot
}

// newWanted takes names up to the first that is none, whose error it gives.
func newWanted(names []string) ([]*wanted, error) {
	all := make([]*wanted, 0, len(names))
	for _, name := range names {
		base, version, versioned := strings.Cut(name, "@")
		version = strings.TrimPrefix(version, "@")
		if base == "" || versioned && version == "" {
			return all, mkerr.Named("function %q: want name or name@version", name)
		}
		all = append(all, &wanted{name: name, base: base, version: version})
	}
	return all, nil
}

// settle decides when all symbols have been seen.
func (w *wanted) settle(e *elffile.File) error {
	switch {
	case w.err != nil:
		return w.err
	case w.clash:
		return ErrAmbiguous
	case w.rank == 0:
		return nil
	}
	off, ok := fileOffset(e, &w.best)
	if !ok {
		return mkerr.Errorf("address %#x is not in the file", w.best.Value)
	}
	w.offset = off
	return nil
}

// offer weighs symbol i of t, whose name is w's and has own behind it.
func (w *wanted) offer(t *symbolTable, i int, own string) {
	if w.err != nil {
		return
	}
	rank, err := t.rank(i, own, w.version)
	if err != nil || rank == 0 {
		w.err = err
		return
	}
	s, err := t.syms.At(i)
	if err != nil {
		w.err = err
		return
	}
	if s.Bind() != elffile.BindWeak {
		rank++
	}
	switch {
	case rank > w.rank:
		w.best, w.rank, w.clash = s, rank, false
	case rank == w.rank && s.Value != w.best.Value:
		w.clash = w.clash || s.Bind() != elffile.BindWeak
	}
}

// find weighs every function of the table for all that are wanted. The error is
// the first one's.
func (t *symbolTable) find(all []*wanted) error {
	slots := make([]*wanted, 256)
	for len(slots) < 4*len(all) {
		slots = append(slots, slots...)
	}
	mask := uint(len(slots) - 1)
	for _, w := range all {
		slot := &slots[mix(w.base)&mask]
		w.next, *slot = *slot, w
	}
	err := t.syms.EachDefined(elffile.SymFunc, func(i int, name string) bool {
		base := name
		if at := strings.IndexByte(name, '@'); at >= 0 {
			base = name[:at]
		}
		for w := slots[mix(base)&mask]; w != nil; w = w.next {
			if w.base == base {
				w.offer(t, i, name[len(base):])
			}
		}
		return true
	})
	if first := all[0].err; first != nil {
		return first
	}
	return err
}

// mix is what a search looks at of a name: its length and some bytes, mostly of
// the end, as names of one package begin alike.
func mix(s string) uint {
	n := len(s)
	if n < 4 {
		return uint(n)
	}
	return uint(n) ^ uint(s[n-1])<<1 ^ uint(s[n-2])<<3 ^ uint(s[n-4])<<5 ^ uint(s[n/2])<<2
}
