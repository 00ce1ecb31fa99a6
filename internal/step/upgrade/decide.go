package upgrade

import (
	"fmt"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
)

// Action is what becomes of a pin.
type Action uint8

const (
	// Create: nothing is pinned there yet.
	Create Action = iota
	// Reuse: the pinned map is taken as it is.
	Reuse
	// Migrate: a new map takes its place, with the contents of the old one.
	Migrate
	// Recreate: a new map or link takes its place, without what was in it. A
	// new link is attached before the old one goes.
	Recreate
	// Update: the link stays, and its program is replaced in one step.
	Update
	// Remove: the object has it no longer.
	Remove
)

// String is the name in lower case.
func (a Action) String() string {
	return [...]string{"create", "reuse", "migrate", "recreate", "update", "remove"}[min(a, Remove)]
}

// Decision is what becomes of one pin, and why.
type Decision struct {
	Link   bool   // it is one of a link, and Name that of its program; else of a map
	Name   string // in the object
	Path   string
	Action Action
	Why    string
	// Differences of a pinned map from the one that is wanted.
	Differences []Difference
	// Loses: elements of the old map would be lost. That has to be allowed.
	// Err is why they cannot be kept.
	Loses bool
	Err   error
	// Values makes new values of a map that is migrated.
	Values Conversion
}

func (d *Decision) String() string {
	kind := "map"
	if d.Link {
		kind = "link"
	}
	s := kind + " " + d.Name + ": " + d.Action.String() + " " + d.Path
	if d.Why != "" {
		s += ": " + d.Why
	}
	if d.Loses {
		s += "; its contents would be lost"
	}
	return s
}

// looseProperties may differ without another meaning of the elements.
const looseProperties = "max entries|flags|map extra|frozen|value size|value layout"

// ForMap decides about a map that is wanted, if have is pinned in its place;
// nil is nothing.
func ForMap(name, path string, want, have *Map) *Decision {
	d := &Decision{Name: name, Path: path}
	if have == nil {
		return d
	}
	d.Differences = Compare(want, have)
	switch {
	case want.Contents == Loaded && want.Type == have.Type:
		d.Action, d.Why = Recreate, "what is in it comes from the object, and is not changed while old programs use it"
	case len(d.Differences) == 0:
		d.Action = Reuse
	case want.Contents == Given && have.Contents == Given:
		d.Action, d.Why = Recreate, list(d.Differences)
	default:
		d.migrate(want, have)
	}
	return d
}

// migrate decides about an incompatible map with elements.
func (d *Decision) migrate(want, have *Map) {
	d.Why = list(d.Differences)
	values, err := d.values(want, have)
	if err != nil {
		d.Action, d.Loses, d.Err = Recreate, true, err
		d.Why += ": " + err.Error()
		return
	}
	d.Action, d.Values = Migrate, values
}

// errText is an error that is its text.
type errText string

func (e errText) Error() string { return string(e) }

func (d *Decision) values(want, have *Map) (Conversion, error) {
	for _, x := range d.Differences {
		if !strings.Contains("|"+looseProperties+"|", "|"+x.Property+"|") {
			return nil, errText("its elements are no others' of another " + x.Property)
		}
	}
	switch {
	case have.Contents != Copied:
		return nil, errText("elements of a " + have.TypeName + " cannot be copied")
	case want.MaxEntries < have.MaxEntries:
		return nil, errText("all elements may not fit")
	case (want.Flags^have.Flags)&^want.Loose != 0:
		return nil, errText("these flags change what its elements are")
	}
	return convert(want, have)
}

func list(ds []Difference) string {
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(d.String())
	}
	return b.String()
}

// Link describes a link: one that is wanted, or one that is pinned.
type Link struct {
	ID        uint32
	Type      string // the kernel's name
	Updatable bool   // its program can be replaced
	Program   uint32 // id, of a pinned one
	ProgType  string // of its program; "" if it is not known
	Gone      bool   // what it was attached to is gone
}

// ForLink decides about the link of a program of this type, if have is pinned
// in its place; nil is nothing.
func ForLink(name, path, progType string, have *Link) *Decision {
	d := &Decision{Link: true, Name: name, Path: path}
	switch {
	case have == nil:
	case have.Gone:
		d.Action, d.Why = Recreate, "what it was attached to is gone"
	case have.ProgType != "" && have.ProgType != progType:
		d.Action, d.Why = Recreate, fmt.Sprintf("its program is a %s, not a %s", have.ProgType, progType)
	case have.Updatable:
		d.Action, d.Why = Update, "a "+have.Type+" link takes another program in one step"
	default:
		d.Action, d.Why = Recreate, "a "+have.Type+" link keeps its program: both run for a moment"
	}
	return d
}

// RoundLRU is the number of entries that the kernel gives a hash with a list of
// its own for each CPU: a multiple of their number (htab_map_alloc in
// kernel/bpf/hashtab.c).
func RoundLRU(n, cpus uint32) uint32 {
	if cpus == 0 || n%cpus == 0 {
		return n
	}
	if up := n - n%cpus + cpus; up > n {
		return up
	}
	return n - n%cpus
}

// Sort puts decisions into the order of paths.
func Sort(ds []*Decision) {
	bin.Sort(ds, func(a, b **Decision) bool { return (*a).Path < (*b).Path })
}
