package prog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/prog"
)

func without(ids ...feature.ID) *feature.Set {
	s := new(feature.Set)
	for _, id := range ids {
		s.Learn(id, feature.No)
	}
	return s
}

func TestFor(t *testing.T) {
	calls := asm.Instructions{
		asm.Call(asm.FnProbeReadKernel), asm.Call(asm.FnProbeReadUserStr), asm.Call(asm.FnKtimeGetNs),
		asm.CallKfunc("x"), asm.Exit(),
	}
	calls[3].Imm = int64(asm.FnProbeReadKernel) // a function's id, not a helper's
	spec := prog.Spec{
		Name: "p", Type: prog.CGroupSKB, Attach: prog.AttachCGroupInetEgress, AttachOptional: true,
		Insns: calls, Types: new(btf.Spec), Funcs: []btf.FuncInfo{{}}, Lines: []btf.LineInfo{{}},
	}
	for _, tt := range []struct {
		reason string
		set    *feature.Set
		want   []string
		check  func(*prog.Spec) bool
	}{
		{"nothing is known", nil, nil, func(s *prog.Spec) bool { return s == &spec }},
		{"5.4", without(feature.ProbeReadKernel), []string{"bpf_probe_read_{kernel,user}: bpf_probe_read instead, in 2 calls"},
			func(s *prog.Spec) bool {
				return s.Insns[0].Imm == int64(asm.FnProbeRead) && s.Insns[1].Imm == int64(asm.FnProbeReadStr) &&
					s.Insns[2] == calls[2] && s.Insns[3] == calls[3]
			}},
		{"4.19", without(feature.BTFFunc, feature.BTF), []string{"BTF of the program: left out"},
			func(s *prog.Spec) bool { return s.Types == nil && s.Funcs == nil && s.Lines == nil }},
		{"4.14", without(feature.ExpAttachType, feature.ProgName),
			[]string{"name of the program: left out", "attach type cgroup_inet_egress: left out"},
			func(s *prog.Spec) bool { return s.Attach == 0 && s.Name == "p" }},
	} {
		form, got := spec.For(tt.set)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.reason, diff)
		}
		if !tt.check(form) {
			t.Errorf("%s: %+v", tt.reason, form)
		}
		if again, more := form.For(tt.set); again != form || more != nil {
			t.Errorf("%s: a second time gives up more: %q", tt.reason, more)
		}
	}
	if spec.Insns[0].Imm != int64(asm.FnProbeReadKernel) || spec.Attach == 0 || spec.Types == nil {
		t.Error("For changed the Spec")
	}
	spec.AttachOptional = false
	if form, _ := spec.For(without(feature.ExpAttachType)); form.Attach == 0 {
		t.Error("a needed attach type was left out")
	}
}

func TestCopyIsDeep(t *testing.T) {
	s := prog.Spec{Insns: ret(0), Maps: map[string]prog.MapRef{"a": nil}, Lines: []btf.LineInfo{{Off: 1}}}
	c := s.Copy()
	c.Insns[0].Imm, c.Lines[0].Off = 9, 9
	delete(c.Maps, "a")
	if s.Insns[0].Imm == 9 || s.Lines[0].Off == 9 || len(s.Maps) != 1 {
		t.Error("a copy shares memory")
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		prog.SchedCLS.String():              "sched_cls",
		prog.Type(999).String():             "type 999",
		prog.AttachTraceFentry.String():     "trace_fentry",
		prog.AttachType(999).String():       "attach type 999",
		prog.AttachCGroupInet4Bind.String(): "cgroup_inet4_bind",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
