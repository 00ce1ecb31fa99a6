package skep_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
)

// TestMisfits: the object of CO-RE tests against the made-up kernel, whole and
// with a struct renamed.
func TestMisfits(t *testing.T) {
	b, err := os.ReadFile("testdata/kernel/vmlinux.btf")
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := btf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := skep.Open("testdata/core.el.o")
	if err != nil {
		t.Fatal(err)
	}
	task, ok := kernel.ByName("task_struct", btf.KindStruct)
	if !ok {
		t.Fatal("no task_struct")
	}
	e := kernel.Edit()
	e.SetName(task.ID(), "other_struct")
	renamed, err := e.Spec()
	if err != nil {
		t.Fatal(err)
	}
	fails := func(s *btf.Spec) map[string]bool {
		all, err := spec.Misfits(&skep.Facts{BTF: btf.KernelOf(s)})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, m := range all {
			if m.Why == "" || m.Program == "" || m.What != "" && m.Source == "" {
				t.Errorf("says too little: %+v", m)
			}
			if m.What != "" && !strings.HasPrefix(m.What, "byte_off ") && !m.Fails && m.Function != m.Program {
				t.Errorf("%+v", m)
			}
			got[m.Program] = got[m.Program] || m.Fails
		}
		return got
	}
	// fields and guarded ask first whether the field exists.
	if diff := cmp.Diff(map[string]bool{"fields": false, "guarded": false, "direct": true}, fails(kernel)); diff != "" {
		t.Errorf("made-up kernel (-want +got):\n%s", diff)
	}
	got := fails(renamed)
	if !got["fields"] || got["guarded"] || !got["direct"] {
		t.Errorf("without task_struct: %v", got)
	}
	for name, p := range spec.Programs {
		if p.Policy != skep.Required && name != "" {
			t.Errorf("%s: the Spec was changed", name)
		}
		p.Policy = skep.Off
	}
	if got := fails(renamed); len(got) != 0 {
		t.Errorf("switched off: %v", got)
	}
}
