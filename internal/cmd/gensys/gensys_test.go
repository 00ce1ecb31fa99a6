package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/btf"
)

func load(t *testing.T) *generator {
	t.Helper()
	raw, err := os.ReadFile("uapi/bpf.btf")
	if err != nil {
		t.Fatal(err)
	}
	types, err := parseTypes(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &generator{types: types, seen: map[string]bool{}}
}

func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := generate("uapi")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", "..", "sys", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs; run go generate ./internal/sys:\n%s", name, diff)
		}
	}
	old, _ := filepath.Glob(filepath.Join("..", "..", "sys", "z*.go"))
	for _, path := range old {
		if files[filepath.Base(path)] == nil {
			t.Errorf("%s is not generated", path)
		}
	}
}

// handWritten are the commands whose functions stand in sys/bpf.go.
var handWritten = []string{"BPF_LINK_CREATE", "BPF_OBJ_GET_INFO_BY_FD", "BPF_COMMON_ATTRS"}

func TestEveryCommandHasAFunction(t *testing.T) {
	enum, err := load(t).types.enum("bpf_cmd")
	if err != nil {
		t.Fatal(err)
	}
	done := map[int64]bool{}
	var missing []string
	for _, v := range enumValues(enum) {
		has := slices.Contains(handWritten, v.name) || slices.ContainsFunc(calls, func(c call) bool { return "BPF_"+c.cmd == v.name })
		if !has && !done[v.val] && !strings.HasPrefix(v.name, "__") {
			missing = append(missing, v.name)
		}
		done[v.val] = done[v.val] || has
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Error(diff)
	}
}

// What a newer header adds to one of these unions must get a struct.
func TestEveryUnionMemberIsReached(t *testing.T) {
	g := load(t)
	for _, tt := range []struct{ c, inner string }{
		{"bpf_attr", ""}, {"bpf_attr", "link_create"}, {"bpf_link_info", ""}, {"bpf_iter_link_info", ""},
	} {
		c, err := g.types.composite(tt.c)
		if err != nil {
			t.Fatal(err)
		}
		union := lastUnion(g.types, c, tt.inner)
		reached := map[uint32]bool{}
		for i := range specs {
			s := &specs[i]
			if s.c != tt.c || tt.inner != "" && !slices.Contains(s.pick, tt.inner) {
				continue
			}
			if m, ok := g.choose(s, union); ok {
				reached[uint32(m.Type)] = true
			}
		}
		for i, m := range members(union) {
			if !reached[uint32(m.Type)] {
				t.Errorf("%s %s: no struct takes member %d %q", tt.c, tt.inner, i, m.Name)
			}
		}
	}
}

// lastUnion is c itself or, of a struct, its last union; first into the member
// inner if that is not empty.
func lastUnion(ts *types, c btf.Type, inner string) btf.Type {
	for _, m := range members(c) {
		if inner != "" && m.Name == inner {
			c = ts.strip(m.Type)
			break
		}
	}
	if c.Kind() == btf.KindUnion {
		return c
	}
	list := members(c)
	return ts.strip(list[len(list)-1].Type)
}

func TestSpecErrors(t *testing.T) {
	g := load(t)
	if _, err := g.fields(&spec{goName: "X", c: "no_such_type"}); err == nil {
		t.Error("unknown type accepted")
	}
	if _, err := parseConsts([]byte("BPF_X nine\n")); err == nil {
		t.Error("bad constant accepted")
	}
	if _, err := parseTypes([]byte("nothing")); err == nil {
		t.Error("bad BTF accepted")
	}
}
