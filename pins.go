package skep

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/skepbpf/skep/internal/bpffs"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/link"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// linksDir is the folder of a pin directory that holds links.
const linksDir = "links"

// Pins are what is pinned in a directory: maps in itself, links in its folder
// "links", each by its path.
type Pins struct {
	Dir   string
	Maps  map[string]Fact[*maps.Shape]
	Links map[string]Fact[*PinnedLink]
}

// PinnedLink is what counts of a pinned link.
type PinnedLink = upgrade.Link

// PinDecision is what a plan makes of one pin, and why.
type PinDecision = upgrade.Decision

// PinAction is what becomes of a pin.
type PinAction = upgrade.Action

// The actions. Without pins there, maps and links are created.
const (
	PinCreate   = upgrade.Create
	PinReuse    = upgrade.Reuse    // the map is taken as it is
	PinMigrate  = upgrade.Migrate  // a new map takes its place, with its contents
	PinRecreate = upgrade.Recreate // a new map or link takes its place, with nothing of it
	PinUpdate   = upgrade.Update   // the link stays, its program is replaced in one step
	PinRemove   = upgrade.Remove   // the object does not have it
)

// pinDir is where a load pins by name.
func pinDir(dir string) string {
	if dir == "" {
		return maps.DefaultPinDir
	}
	return dir
}

// readPins looks at all that is pinned in dir, and at the paths of maps that
// have one of their own.
func readPins(dir string, own []string) (*Pins, error) {
	p := &Pins{Dir: pinDir(dir), Maps: map[string]Fact[*maps.Shape]{}, Links: map[string]Fact[*PinnedLink]{}}
	links := path.Join(p.Dir, linksDir)
	for _, folder := range [...]string{p.Dir, links} {
		names, err := sys.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, mkerr.Wrap("pins: %w", bpffs.Explain(folder, err))
		}
		for _, name := range names {
			// The kernel's own files have a dot.
			if !bpffs.Temporary(name) && !strings.Contains(name, ".") {
				p.read(path.Join(folder, name), folder == links)
			}
		}
	}
	for _, at := range own {
		p.read(at, false)
	}
	return p, nil
}

// read adds what is pinned at a path, if anything is.
func (p *Pins) read(at string, isLink bool) {
	kind, err := bpffs.KindOf(at)
	want := bpffs.Map
	if isLink {
		want = bpffs.Link
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || kind == bpffs.Directory:
		return
	case err == nil && kind != want && kind != bpffs.Unknown:
		err = mkerr.Errorf("a %s is pinned there", kind)
	}
	if isLink {
		f := Fact[*PinnedLink]{State: Hidden, Err: err, From: at}
		if err == nil {
			f.set(readLink(at))
		}
		p.Links[at] = f
		return
	}
	f := Fact[*maps.Shape]{State: Hidden, Err: err, From: at}
	if err == nil {
		f.set(readMap(at))
	}
	p.Maps[at] = f
}

// set makes the Fact known, unless err says why it is not.
func (f *Fact[T]) set(v T, err error) {
	if f.Err = err; err == nil {
		f.State, f.Value = Known, v
	}
}

func readMap(at string) (*maps.Shape, error) {
	m, err := maps.OpenPinned(at, 0)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return m.Shape()
}

func readLink(at string) (*PinnedLink, error) {
	l, err := link.OpenPinned(at)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	b, err := link.Look(l)
	if err != nil {
		return nil, err
	}
	return describeLink(b), nil
}

// describeLink gives a link the type of its program, if that may be looked at.
func describeLink(b link.Brief) *PinnedLink {
	d := &PinnedLink{
		ID: uint32(b.ID), Type: b.Type.String(), Program: b.Program, Gone: b.Gone,
		Updatable: b.Type.Updatable() || b.Type == link.TypeStructOps,
	}
	if p, err := prog.FromID(b.Program); err == nil {
		d.ProgType = p.Type().String()
		_ = p.Close()
	}
	return d
}
