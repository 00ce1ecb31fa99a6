package argctx

import (
	"os"
	"testing"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/elf"
)

func object(t *testing.T) *elf.Object {
	t.Helper()
	b, err := os.ReadFile("../../../testdata/argctx.el.o")
	if err != nil {
		t.Fatal(err)
	}
	o, err := elf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func funcs(o *elf.Object) (list []btf.FuncInfo) {
	for i, f := range o.Funcs {
		list = append(list, btf.FuncInfo{Off: uint32(i), Type: f.Type})
	}
	return list
}

// TestProgram: what each program type makes of the functions of argctx.c, of
// which hash takes void *, and length struct __sk_buff *.
func TestProgram(t *testing.T) {
	for _, tt := range []struct {
		name string
		typ  uint32
		want map[string]string // function to the struct it now takes
	}{
		{"socket filter", 1, map[string]string{"hash": "__sk_buff"}},
		{"xdp", 6, map[string]string{"hash": "xdp_md"}}, // length takes what is no context there: left to the verifier
		{"kprobe", 2, map[string]string{"hash": "bpf_user_pt_regs_t"}},
		{"raw tracepoint", 17, map[string]string{"hash": "bpf_raw_tracepoint_args"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := object(t)
			f := New(o.Types, o.FuncTags)
			ctx, ok := Of(tt.typ)
			if f == nil || !ok {
				t.Fatal("nothing to do")
			}
			before := funcs(o)
			after := f.Program(ctx, before)
			types, err := f.Types()
			if err != nil {
				t.Fatal(err)
			}
			for i := range after {
				was, _ := o.Types.Type(before[i].Type)
				if after[i] == before[i] {
					if tt.want[was.Name()] != "" {
						t.Errorf("%s is as before", was.Name())
					}
					continue
				}
				fn, _ := types.Type(after[i].Type)
				proto, _ := types.Type(fn.Target())
				ptr, _ := types.Type(proto.Param(0).Type)
				to, _ := types.Type(ptr.Target())
				if fn.Name() != was.Name() || to.Name() != tt.want[fn.Name()] || fn.Linkage() != btf.LinkageGlobal {
					t.Errorf("%s takes %s", fn.Name(), to)
				}
			}
		})
	}
}

func TestNothingToDo(t *testing.T) {
	o := object(t)
	if New(o.Types, nil) != nil || New(nil, o.FuncTags) != nil {
		t.Error("a Fixer of nothing")
	}
	if _, ok := Of(26); ok {
		t.Error("tracing programs have a context with a name")
	}
	f := New(o.Types, []elf.FuncTag{{Func: 1 << 20, Param: 0, Text: elf.TagCtx}})
	list := funcs(o)
	if out := f.Program(Context{Name: "xdp_md"}, list); &out[0] != &list[0] {
		t.Error("changed by the tag of another function")
	}
	if types, err := f.Types(); err != nil || types != o.Types {
		t.Errorf("types changed, %v", err)
	}
}
