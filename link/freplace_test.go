package link

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// xdpTypes is the BTF of "int name(struct xdp_md *)", whose FUNC has id 5.
func xdpTypes(t *testing.T, name string) *btf.Spec {
	t.Helper()
	strs := "\x00int\x00xdp_md\x00ctx\x00" + name + "\x00"
	const kindInt, kindPtr, kindStruct, kindFunc, kindProto = 1, 2, 4, 12, 13
	u := func(kind, vlen uint32) uint32 { return kind<<24 | vlen }
	words := []uint32{
		1, u(kindInt, 0), 4, 1<<24 | 32, // 1: int, signed
		5, u(kindStruct, 0), 0, // 2: struct xdp_md
		0, u(kindPtr, 0), 2, // 3: struct xdp_md *
		0, u(kindProto, 1), 1, 12, 3, // 4: int (struct xdp_md *ctx)
		16, u(kindFunc, 1), 4, // 5: global function
	}
	o := binary.NativeEndian
	b := o.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0)
	for _, w := range []uint32{24, 0, uint32(4 * len(words)), uint32(4 * len(words)), uint32(len(strs))} {
		b = o.AppendUint32(b, w)
	}
	for _, w := range words {
		b = o.AppendUint32(b, w)
	}
	s, err := btf.Parse(append(b, strs...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFreplace(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.RequireTrampolines(t, fentry.Try)
	types := xdpTypes(t, "hook")
	target, err := prog.Load(&prog.Spec{
		Name: "hook", License: "GPL", Type: prog.XDP, Attach: prog.AttachXDP,
		Insns: asm.Instructions{asm.Mov(asm.R0, 1), asm.Exit()},
		Types: types, Funcs: []btf.FuncInfo{{Off: 0, Type: 5}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	spec := &prog.Spec{
		Name: "hook", License: "GPL", Type: prog.Ext,
		Target: prog.Target{Name: "hook", Program: target, ID: 5},
		Insns:  asm.Instructions{asm.Mov(asm.R0, 2), asm.Exit()},
		Types:  types, Funcs: []btf.FuncInfo{{Off: 0, Type: 5}},
	}
	p, err := prog.Load(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l, err := AttachFreplace(p, FreplaceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	run := func() uint32 {
		r, err := target.Run(&prog.RunOptions{Data: make([]byte, 64)})
		if err != nil {
			t.Fatal(err)
		}
		return r.Return
	}
	checkInfo(t, l, TypeTracing, FormLink)
	if got := run(); got != 2 {
		t.Errorf("replaced function returns %d", got)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if got := run(); got != 1 {
		t.Errorf("after close the function returns %d", got)
	}
}
