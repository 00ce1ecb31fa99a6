package compat

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
)

// TestByteOrders parses each committed object in both byte orders: they hold
// the same programs and maps (code may be longer in one of them), and no path
// of the machine that built them.
func TestByteOrders(t *testing.T) {
	var sources []string
	for _, glob := range []string{"../../testdata/*.c", "../../examples/*/*.bpf.c"} {
		s, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, s...)
	}
	n := 0
	for _, src := range sources {
		base := strings.TrimSuffix(src, ".c")
		if slices.Contains([]string{"linked_a", "linked_b", "linkmaps_a", "linkmaps_b"}, filepath.Base(base)) {
			continue // only their union is committed
		}
		n++
		t.Run(filepath.Base(base), func(t *testing.T) {
			little, big := shape(t, base+".el.o"), shape(t, base+".eb.o")
			if d := gocmp.Diff(little, big); d != "" {
				t.Errorf("little-endian (-) and big-endian (+) differ:\n%s", d)
			}
		})
	}
	if n < 20 {
		t.Errorf("%d sources", n)
	}
}

// part is a program or map of an object.
type part struct {
	Kind, Name, Section string
	Size                uint32 // of a map's value
}

func shape(t *testing.T, path string) []part {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/home/", "/root/", "/tmp/", filepath.Dir(filepath.Dir(here))} {
		if bytes.Contains(b, []byte(dir)) {
			t.Errorf("%s contains %s", path, dir)
		}
	}
	spec, err := skep.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	var list []part
	for name, p := range spec.Programs {
		list = append(list, part{"program", name, p.Section, 0})
	}
	for name := range spec.Funcs {
		list = append(list, part{"func", name, "", 0})
	}
	for name, m := range spec.Maps {
		list = append(list, part{"map", name, m.Section, m.ValueSize})
	}
	slices.SortFunc(list, func(a, b part) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return list
}
