package skep_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys/systest"
	"github.com/skepbpf/skep/prog"
)

// TestPlanUnique: whether a target is unique is a fact, asked for by those who
// want to know.
func TestPlanUnique(t *testing.T) {
	systest.Forbid(t)
	spec, err := skep.Open("testdata/prefer.el.o")
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Only("fentry_sleep"); err != nil {
		t.Fatal(err)
	}
	if n := spec.Needs(); n.Functions != nil {
		t.Errorf("needs %q", n.Functions)
	}
	target := &spec.Programs["fentry_sleep"].Target
	target.Unique = true
	if diff := cmp.Diff([]string{"do_nanosleep"}, spec.Needs().Functions); diff != "" {
		t.Error(diff)
	}
	one, two := prog.Function{Name: "do_nanosleep", Address: 1}, prog.Function{Name: "do_nanosleep", Address: 2}
	type fact = skep.Fact[[]prog.Function]
	for _, tt := range []struct {
		name string
		fact fact
		is   error
		want string
	}{
		{"one", fact{State: skep.Known, Value: []prog.Function{one}}, nil, ""},
		{"two", fact{State: skep.Known, Value: []prog.Function{one, two}}, prog.ErrAmbiguous, "target do_nanosleep: name is ambiguous: do_nanosleep at 0x1, do_nanosleep at 0x2"},
		{"none", fact{State: skep.Absent}, nil, ""},
		{"hidden", fact{State: skep.Hidden, Err: fs.ErrPermission}, fs.ErrPermission, "target do_nanosleep: is it unique: "},
		{"not asked", fact{}, nil, "target do_nanosleep: is it unique: the facts do not say"},
	} {
		facts := madeUp(t)
		if facts.Functions = nil; tt.fact.State != skep.NotAsked {
			facts.Functions = map[string]fact{"do_nanosleep": tt.fact}
		}
		_, err := spec.Plan(facts)
		if (err == nil) != (tt.want == "") || tt.is != nil && !errors.Is(err, tt.is) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	// For what is no function of the kernel it means nothing.
	spec.Programs["fentry_sleep"].Attach = prog.AttachTraceRawTP
	if n := spec.Needs(); n.Functions != nil {
		t.Errorf("raw tracepoint: needs %q", n.Functions)
	}
}

// TestUniqueFacts reads them of the running kernel.
func TestUniqueFacts(t *testing.T) {
	needKernel(t)
	facts, err := skep.ReadFacts(skep.Needs{Functions: []string{"vfs_read", "name_show", "skep_absent"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer facts.Close()
	read, show, absent := facts.Functions["vfs_read"], facts.Functions["name_show"], facts.Functions["skep_absent"]
	if read.State != skep.Known || len(read.Value) != 1 || read.Value[0].Address == 0 {
		t.Errorf("vfs_read: %+v", read)
	}
	if show.State != skep.Known || len(show.Value) < 2 {
		t.Errorf("name_show: %+v", show)
	}
	if absent.State != skep.Absent || absent.From == "" {
		t.Errorf("skep_absent: %+v", absent)
	}
}
