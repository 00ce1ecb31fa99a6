package skep_test

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// TestContextTags: a kernel that does not know the tag is told by the type, in
// each program by that of its own context, and any kernel takes that.
func TestContextTags(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF") // the verifier looks contexts up in it (btf_get_prog_ctx_type)
	for name, f := range map[string]*skep.Features{"as it is": new(skep.Features), "without tags": new(skep.Features)} {
		t.Run(name, func(t *testing.T) {
			if name == "without tags" {
				f.Learn(feature.ArgCtxTag, feature.No)
			}
			c := load(t, open(t, native("argctx")), &skep.Options{Features: f})
			if n := run(t, c, "by_tag", 64); n != 40+50 { // the filter sees the packet behind its Ethernet header
				t.Errorf("by_tag gives %d", n)
			}
			if n := run(t, c, "by_tag_too", 64); n != 50 {
				t.Errorf("by_tag_too gives %d", n)
			}
			told := strings.Contains(strings.Join(c.Report().Degraded, "\n"), "arg:ctx tags")
			if told != (f.Get(feature.ArgCtxTag) == feature.No) {
				t.Errorf("degraded: %q", c.Report().Degraded)
			}
		})
	}
}

// TestContextTypes looks at the types themselves.
func TestContextTypes(t *testing.T) {
	s := open(t, "testdata/argctx.el.o")
	f := madeUp(t)
	f.Features.Learn(feature.ArgCtxTag, feature.No)
	seen := 0
	plan, err := s.Plan(f)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Types.Len()
	for _, p := range skep.PlannedPrograms(plan) {
		seen += checkContext(t, p, before)
	}
	if seen != 2 {
		t.Errorf("%d functions got a type, want one in each program", seen)
	}
}

func checkContext(t *testing.T, p *prog.Spec, before int) (changed int) {
	for _, f := range p.Funcs {
		fn, _ := p.Types.Type(f.Type)
		if int(f.Type) < before {
			continue
		}
		changed++
		proto, _ := p.Types.Type(fn.Target())
		ptr, _ := p.Types.Type(proto.Param(0).Type)
		to, _ := p.Types.Type(ptr.Target())
		if fn.Name() != "hash" || fn.Linkage() != btf.LinkageGlobal || to.Name() != "__sk_buff" || proto.Param(1).Name != "more" {
			t.Errorf("%s: %s %s", p.Name, fn, to)
		}
	}
	return changed
}
