package elf

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzParse: an object or an error that names section and offset, never both,
// and never more memory than the input allows.
func FuzzParse(f *testing.F) {
	for _, path := range testObjects(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, b := range craftedObjects() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var o *Object
		var err error
		fuzztest.Check(t, len(b), func() { o, err = Parse(b) })
		if (o == nil) == (err == nil) {
			t.Fatalf("object %v, error %v", o != nil, err)
		}
		if err == nil {
			dump(o)
			return
		}
		var fe *bin.FormatError
		if !errors.As(err, &fe) {
			t.Errorf("error = %v, want a *bin.FormatError", err)
		}
	})
}

// FuzzMatchSection: whatever a name is, the rule that matched explains it.
func FuzzMatchSection(f *testing.F) {
	for i := range sectionTable {
		f.Add(sectionTable[i].name)
		f.Add("?" + sectionTable[i].name + "/target")
	}
	for _, name := range []string{"", "?", "/", "??xdp", "xdp/lo", "socket1", "kprobe/", "kprobe//x", "fentry.s/a/b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var m Match
		fuzztest.Check(t, len(name), func() { m = MatchSection(name) })
		if m.Off != strings.HasPrefix(name, "?") {
			t.Errorf("off: %v", m.Off)
		}
		if m.Known != (m.Pattern != "") || m.Exact && !m.Known || m.AutoAttach && !m.Exact {
			t.Errorf("%+v", m)
		}
		rest := strings.TrimPrefix(name, "?")
		if !strings.HasSuffix(rest, m.Target) {
			t.Errorf("target %q", m.Target)
		}
		if on := MatchSection(rest); !strings.HasPrefix(rest, "?") {
			if on.Off = m.Off; on != m {
				t.Errorf("without the question mark: %+v, with it: %+v", on, m)
			}
		}
		if !m.Known {
			return
		}
		// The rule's own name, with the target, is matched by that rule.
		again := strings.TrimSuffix(m.Pattern, "+")
		if m.Target != "" {
			again += "/" + m.Target
		}
		if got := MatchSection(again); m.Exact && (got.Pattern != m.Pattern || got.Type != m.Type || got.Target != m.Target) {
			t.Errorf("%q: %+v, and %q: %+v", name, m, again, got)
		}
	})
}
