package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/skepbpf/skep"
)

// pinInfo is what became, or will become, of a pin.
type pinInfo struct {
	Kind    string `json:"kind"` // "map" or "link"
	Name    string `json:"name"`
	Path    string `json:"path"`
	Action  string `json:"action"`
	Why     string `json:"why,omitempty"`
	Loses   bool   `json:"loses_contents,omitempty"`
	Copied  int    `json:"copied,omitempty"` // elements
	printed string
}

func pinInfos(ds []*skep.PinDecision, r *skep.Report) (all []pinInfo) {
	for _, d := range ds {
		p := pinInfo{"map", d.Name, d.Path, d.Action.String(), d.Why, d.Loses, 0, d.String()}
		if d.Link {
			p.Kind = "link"
		} else if r != nil {
			p.Copied = r.Maps[d.Name].Migrated
		}
		all = append(all, p)
	}
	return all
}

// upgradeFlags of `skep load`.
type upgradeFlags struct {
	on, remove bool
	recreate   string
}

func (f *upgradeFlags) flags(fs *flag.FlagSet) {
	fs.BoolVar(&f.on, "upgrade", false, "bring what is pinned in -pin's directory to this object: maps, and links of what section names attach")
	fs.StringVar(&f.recreate, "recreate", "", "with -upgrade, comma-separated `names` of maps whose contents may be lost, and of programs to attach anew")
	fs.BoolVar(&f.remove, "remove", false, "with -upgrade, unpin what the object does not have")
}

var errUpgrade = errors.New("-upgrade needs -pin, and not -each; -recreate and -remove need -upgrade")

func (f *upgradeFlags) check(pin string, each bool) error {
	if f.on && (pin == "" || each) || !f.on && (f.remove || f.recreate != "") {
		return errUpgrade
	}
	return nil
}

// upgrade upgrades what is pinned to spec, which is left to its pins.
func (f *loadFlags) upgradeTo(spec *skep.Spec, show func(*skep.Collection)) error {
	o := &skep.UpgradeOptions{Remove: f.upgrade.remove, Recreate: splitList(f.upgrade.recreate)}
	o.PinDir, o.Config = f.pin, f.config
	coll, links, err := skep.Upgrade(context.Background(), spec, o)
	if err != nil {
		return err
	}
	show(coll)
	return errors.Join(links.Close(), coll.Close())
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// printPins prints what an upgrade did.
func printPins(e env, path string, pins []pinInfo) {
	for _, p := range pins {
		fmt.Fprintf(e.out, "%s: %s", path, p.printed)
		if p.Copied > 0 {
			fmt.Fprintf(e.out, " (%d elements copied)", p.Copied)
		}
		fmt.Fprintln(e.out)
	}
}
