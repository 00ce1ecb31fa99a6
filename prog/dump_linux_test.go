package prog_test

import (
	"bytes"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

// refs are what a function refers to, in order.
func refs(f *prog.DumpFunc) (list []string) {
	for _, in := range f.Insns {
		if in.Ref.Kind != asm.RefNone {
			list = append(list, in.Ref.Kind.String()+" "+in.Ref.Name)
		}
	}
	return list
}

func TestDump(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "5.13", "CONFIG_BPF_JIT") // bpf_for_each_map_elem
	noLeak(t)
	p, err := loadObject(t, "callbacks", "each_elem").Program("each_elem")
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.Dump()
	if err != nil || len(d.Hidden) != 0 {
		t.Fatalf("%v, hidden: %v", err, d.Hidden)
	}
	want := map[string][]string{
		"each_elem": {"map counts", "function add_elem", "kfunc bpf_for_each_hash_elem", "map value callback.bss"},
		"add_elem":  {"function weight"},
		"weight":    nil,
	}
	got := map[string][]string{}
	slot := 0
	for i := range d.Funcs {
		f := &d.Funcs[i]
		got[f.Name] = refs(f)
		if f.Slot != slot || f.Addr == 0 || len(f.Code) == 0 || len(f.Lines) == 0 || f.Tag == [8]byte{} {
			t.Errorf("%s: slot %d, want %d; address %#x, %d bytes, %d lines", f.Name, f.Slot, slot, f.Addr, len(f.Code), len(f.Lines))
		}
		slot += f.Insns.Slots()
		checkLines(t, f)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d.Funcs[0].Name != "each_elem" || slot*8 != int(d.Info.XlatedLen) || d.Info.Funcs != 3 {
		t.Errorf("%d slots, info %+v", slot, d.Info)
	}
	for _, s := range []string{
		d.String(), "callbacks.c:47: bpf_for_each_map_elem(&counts, add_elem, &sum, 0);", "; map counts\n",
		d.Machine(), "weight: tag ", "     0: ",
	} {
		if !strings.Contains(d.String()+d.Machine(), s) {
			t.Errorf("no %q in\n%s", s, d)
		}
	}
	compareBPFTool(t, p, d)
}

// checkLines wants each line at an instruction and in the machine code.
func checkLines(t *testing.T, f *prog.DumpFunc) {
	t.Helper()
	last := prog.DumpLine{Slot: -1, Code: -1}
	for _, l := range f.Lines {
		if l.Slot <= last.Slot || l.Code < last.Code || l.Code < 0 || l.Code > len(f.Code) ||
			!strings.HasSuffix(l.File, "callbacks.c") || l.Line == 0 || l.Text == "" {
			t.Errorf("%s: line %+v after %+v", f.Name, l, last)
		}
		last = l
	}
}

// compareBPFTool holds instructions against those that bpftool shows.
func compareBPFTool(t *testing.T, p *prog.Program, d *prog.Dump) {
	t.Helper()
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		t.Log("no bpftool to compare with")
		return
	}
	id, err := p.ID()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, "prog", "dump", "xlated", "id", itoa(id), "opcodes")
	out, err := cmd.Output()
	if err != nil {
		t.Logf("bpftool: %v", err)
		return
	}
	theirs := regexp.MustCompile(`(?m)^ +(\d+): \(`).FindAllSubmatch(out, -1)
	var slots []string
	for i := range d.Funcs {
		slot := d.Funcs[i].Slot
		for _, in := range d.Funcs[i].Insns {
			slots = append(slots, itoa(uint32(slot)))
			slot += in.Slots()
		}
	}
	var shown []string
	for _, m := range theirs {
		shown = append(shown, string(m[1]))
	}
	if diff := cmp.Diff(shown, slots); diff != "" {
		t.Errorf("instructions of bpftool, ours:\n%s", diff)
	}
	for _, name := range []string{"add_elem", "weight", "callbacks.c"} {
		if bytes.Contains(out, []byte(name)) && !strings.Contains(d.String(), name) {
			t.Errorf("bpftool shows %q, the dump does not", name)
		}
	}
}

// TestDumpWithoutBTF finds functions by their calls.
func TestDumpWithoutBTF(t *testing.T) {
	needKernel(t)
	noLeak(t)
	m := newMap(t)
	p := load(t, &prog.Spec{
		Name: "plain", Type: prog.SocketFilter, License: "GPL", Maps: map[string]prog.MapRef{"m": m},
		Insns: asm.Instructions{
			asm.LoadMap(asm.R1, "m"),
			asm.StoreImm(asm.R10, -4, 0, asm.SizeW), asm.MovReg(asm.R2, asm.R10), asm.Add(asm.R2, -4),
			asm.Call(asm.FnMapLookupElem),
			{Op: asm.OpCall, Src: asm.PseudoCall, Imm: 1},
			asm.Exit(),
			asm.Mov(asm.R0, 0), asm.Exit(),
		},
	}, nil)
	d, err := p.Dump()
	if err != nil {
		t.Fatal(err)
	}
	if testutil.HasConfig(t, "CONFIG_BPF_JIT") && (len(d.Funcs) != 2 || d.Funcs[1].Insns.Slots() != 2) {
		t.Errorf("functions:\n%s", d)
	}
	id, _ := p.Info()
	if got := refs(&d.Funcs[0]); len(got) == 0 || got[0] != "map #"+itoa(id.MapIDs[0]) {
		t.Errorf("refers to %q", got) // a map without a name
	}
}
