package skep

import (
	"errors"
	"io/fs"
	"path"
	"sync"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// pinner is a *pinning, or nil: what only refers to it does not bring it into a
// program, as a call of its methods would.
type pinner interface {
	facts(f *Facts, needs Needs) (*Facts, error)
	decide(p *Plan, given map[string]*maps.Map) ([]*PinDecision, error)
	place(pins []*PinDecision, m *plannedMap, spec *maps.Spec)
	attach(a *attaching) (link.Link, error)
	commit(stop func() error) error
	undo() error
	outcome(planned []*PinDecision) []*PinDecision
	end()
}

// attaching is a program, or struct_ops map, on its way to a link.
type attaching struct {
	name, progType string
	fresh          func() (link.Link, error)
	program        *prog.Program
	coll           *Collection // of a struct_ops map
}

// pinning replaces what is pinned in a directory, all or nothing: first all
// that is new is pinned under other names, then it gets its names, then links
// that stay take their new programs. Until end, undo gives back what was.
type pinning struct {
	dir    string
	atomic bool            // a link that would have to be attached anew is refused
	again  map[string]bool // maps and programs to make anew, whatever is pinned
	remove bool

	lock    *sys.FD
	made    bpffs.Made
	mu      sync.Mutex // maps are made at the same time
	swaps   []*pinSwap
	updates []*pinUpdate
	links   []*PinDecision // what became of links
}

// pinSwap is a pin that is replaced, or removed.
type pinSwap struct {
	bpffs.Swap
	gone    bool
	renamed link.Link // to be told of its pin's name
}

// pinUpdate is a link that takes another program.
type pinUpdate struct {
	name        string
	there, back func() error
	// held is what back needs; blind is why there is nothing.
	held  interface{ Close() error }
	blind error
}

// openPinning makes the directory if it is missing, waits until no one else
// replaces pins in it, and cleans up after one that died.
func openPinning(stop func() error, dir string) (*pinning, error) {
	t := &pinning{dir: pinDir(dir)}
	for range lockAttempts {
		made, err := bpffs.MakeDir(t.dir)
		if err != nil {
			return nil, err
		}
		t.made = made
		if t.lock, err = sys.LockDir(t.dir, stop); err == nil {
			if err = bpffs.Recover(t.dir, t.linkDir()); err == nil {
				return t, nil
			}
		}
		_ = t.undo()
		// Who had made the directory failed, and took it away again.
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, bpffs.Explain(t.linkDir(), err)
		}
	}
	return nil, mkerr.WrapNamed("%s: appears and vanishes all the time: %w", t.dir, fs.ErrExist)
}

// lockAttempts bounds the race with others that make and remove a directory.
const lockAttempts = 8

func (t *pinning) linkDir() string { return path.Join(t.dir, linksDir) }

// add takes a swap on.
func (t *pinning) add(s *pinSwap) {
	t.mu.Lock()
	t.swaps = append(t.swaps, s)
	t.mu.Unlock()
}

// attach gives the link of a name: the pinned one, whose update comes later, or
// a fresh one that is pinned beside it.
func (t *pinning) attach(a *attaching) (link.Link, error) {
	at := path.Join(t.linkDir(), a.name)
	have, err := link.OpenPinned(at)
	d := upgrade.ForLink(a.name, at, a.progType, nil)
	switch {
	case err == nil:
		b, err := link.Look(have)
		if err != nil {
			return nil, mkerr.Join(err, have.Close())
		}
		d = upgrade.ForLink(a.name, at, a.progType, describeLink(b))
		if d.Action == upgrade.Update && !t.again[a.name] {
			t.updates = append(t.updates, a.update(have, b))
			t.links = append(t.links, d)
			return have, nil
		}
		askedFor(d, t.again)
		if err := have.Close(); err != nil { // its pin holds it
			return nil, err
		}
		if t.atomic && !t.again[a.name] {
			return nil, mkerr.Errorf("%s, which is not atomic", d)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	l, ferr := a.fresh()
	if ferr != nil {
		if err == nil && errors.Is(ferr, link.ErrNoTarget) {
			return nil, errors.New("the link at " + at + " keeps its program, and the section does not say where to attach another")
		}
		return nil, ferr
	}
	s := &pinSwap{Swap: bpffs.Swap{Path: at}, renamed: l}
	if err := t.pin(l, s.New()); err != nil {
		return nil, mkerr.Join(err, l.Close())
	}
	t.add(s)
	t.links = append(t.links, d)
	return l, nil
}

// update lets a pinned link take a new program, and go back to the one it has.
func (a *attaching) update(l link.Link, b link.Brief) *pinUpdate {
	u := &pinUpdate{name: a.name}
	if a.program != nil {
		u.there = func() error { return l.Update(a.program) }
		old, err := prog.FromID(b.Program)
		if u.blind = err; err == nil {
			u.held, u.back = old, func() error { return l.Update(old) }
		}
		return u
	}
	ops := &link.StructOps{Link: l}
	u.there = func() error { return a.coll.UpdateStructOps(ops, a.name) }
	old, err := maps.FromID(b.Map)
	if u.blind = err; err == nil {
		u.held, u.back = old, func() error { return ops.UpdateMap(old, link.StructOpsOptions{}) }
	}
	return u
}

// pin pins a link in the folder for links, which is made if it is missing.
func (t *pinning) pin(l link.Link, at string) error {
	made, err := bpffs.MakeDir(t.linkDir())
	if err != nil {
		return err
	}
	t.made = append(t.made, made...)
	return l.Pin(at)
}

// commit puts all in place. On an error everything is as it was before t.
func (t *pinning) commit(stop func() error) error {
	bin.Sort(t.swaps, func(a, b **pinSwap) bool { return (*a).Path < (*b).Path })
	done, err := t.put(stop)
	if err == nil {
		return nil
	}
	errs := []error{err}
	for done--; done >= 0; done-- {
		if err := t.updates[done].back(); err != nil {
			errs = append(errs, mkerr.WrapNamed("roll back: link of %s: %w", t.updates[done].name, err))
		}
	}
	return mkerr.Join(append(errs, t.undo())...)
}

// put gives the number of links that have their new program.
func (t *pinning) put(stop func() error) (done int, err error) {
	for _, s := range t.swaps {
		if err = stop(); err == nil && s.gone {
			err = s.Remove()
		} else if err == nil {
			err = s.Put()
		}
		if err != nil {
			return 0, err
		}
	}
	for i, u := range t.updates {
		if err = stop(); err != nil {
			return i, err
		}
		if i < len(t.updates)-1 && u.blind != nil {
			return i, mkerr.WrapNamed("link of %s: its program, to go back to: %w", u.name, u.blind)
		}
		if err = u.there(); err != nil {
			return i, mkerr.WrapNamed("link of %s: %w", u.name, err)
		}
	}
	return len(t.updates), nil
}

// undo removes what is new, and gives back what was there.
func (t *pinning) undo() error {
	var errs []error
	for i := len(t.swaps) - 1; i >= 0; i-- {
		if err := t.swaps[i].Undo(); err != nil {
			errs = append(errs, mkerr.Wrap("roll back: %w", err))
		}
	}
	t.swaps = nil
	t.made.Remove() // under the lock: who waits for it sees that it is gone
	t.end()
	return mkerr.Join(errs...)
}

// end gives up what was replaced, and the lock. What cannot be removed waits
// for the next one that replaces pins here.
func (t *pinning) end() {
	for _, s := range t.swaps {
		_ = s.Done()
		if s.renamed != nil {
			link.Renamed(s.renamed, s.Path)
		}
	}
	for _, u := range t.updates {
		if u.held != nil {
			_ = u.held.Close()
		}
	}
	t.swaps, t.updates = nil, nil
	_ = t.lock.Close()
}
