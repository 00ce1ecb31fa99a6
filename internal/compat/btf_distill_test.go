package compat

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/skepbpf/skep/btf"
)

// moduleOf is BTF that keeps of a unit only what the base does not have.
func moduleOf(t *testing.T, base, unit *btf.Spec) *btf.Spec {
	t.Helper()
	d, err := btf.Dedup(concatenated(t, base, unit), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Types
}

// partOf is the types of s below an id, with all that they refer to.
func partOf(t *testing.T, s *btf.Spec, below btf.ID) *btf.Spec {
	t.Helper()
	b := btf.NewBuilder(&btf.BuilderOptions{Order: s.Order()})
	im := b.Importer(s)
	for id := btf.ID(1); id < below; id++ {
		im.Add(id)
	}
	out, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDistillLikeLibbpf: what libbpf distils and relocates is what Distill and
// Relocate give, and where libbpf sees no way, there is none.
func TestDistillLikeLibbpf(t *testing.T) {
	oracle, dir := btfOracle(t), t.TempDir()
	kernel := kernelTypes(t)
	sorted, err := btf.SortByName(kernel, nil)
	if err != nil {
		t.Fatal(err)
	}
	unit := unitTypes(t, "units/module/*.c")[0]
	units := unitTypes(t, "units/dedup/*.c")
	some := partOf(t, kernel, 3000)
	for name, c := range map[string]struct{ base, split, to *btf.Spec }{
		"module":                       {kernel, moduleOf(t, kernel, unit), kernel},
		"module, other order":          {kernel, moduleOf(t, kernel, unit), sorted.Types},
		"module as it is":              {kernel, concatenated(t, kernel, unit), kernel},
		"module, base lacks types":     {kernel, moduleOf(t, kernel, unit), units[0]},
		"units":                        {units[0], moduleOf(t, units[0], concatenated(t, nil, units...)), units[0]},
		"units, other sizes":           {units[0], moduleOf(t, units[0], concatenated(t, nil, units...)), units[2]},
		"kernel on a part":             {some, moduleOf(t, some, kernel), kernel},
		"kernel on a part of it, same": {some, moduleOf(t, some, kernel), some},
	} {
		t.Run(name, func(t *testing.T) {
			checkDistill(t, oracle, dir, c.base, c.split, c.to)
		})
	}
}

// checkDistill reports whether the split was relocated, by both or by none.
func checkDistill(t *testing.T, oracle, dir string, base, split, to *btf.Spec) bool {
	t.Helper()
	smallPath, splitPath, out := filepath.Join(dir, "small"), filepath.Join(dir, "small.split"), filepath.Join(dir, "out")
	msg, err := exec.Command(oracle, "distill", save(t, dir, "base", base), save(t, dir, "split", split), smallPath, splitPath).CombinedOutput()
	if err != nil {
		t.Fatalf("libbpf: %v: %s", err, msg)
	}
	small, rest, err := btf.Distill(split)
	if err != nil {
		t.Fatal(err)
	}
	n := sameTypes(t, "base", smallPath, nil, small)
	m := sameTypes(t, "split", splitPath, small, rest)
	t.Logf("%d types on %d became %d on %d", split.Len()-base.Len(), base.Len(), m-n, n)

	msg, err = exec.Command(oracle, "relocate", smallPath, splitPath, save(t, dir, "to", to), out).CombinedOutput()
	got, gotErr := btf.Relocate(rest, to)
	t.Logf("relocate: %v", gotErr)
	if err != nil || gotErr != nil {
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || gotErr == nil {
			t.Errorf("libbpf: %v: %s; Relocate: %v", err, msg, gotErr)
		}
		return false
	}
	sameTypes(t, "relocated", out, to, got.Types)
	for id := btf.ID(1); int(id) < rest.Len(); id++ {
		was, _ := rest.Type(id)
		now, ok := got.Types.Type(got.ID(id))
		if !ok || was.Name() != now.Name() {
			t.Errorf("type %d %q became %d %q", id, was.Name(), got.ID(id), now.Name())
		}
	}
	return true
}
