package prog_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/verifierlog"
)

// record is where to write the logs that package verifierlog is tested with.
var record = flag.String("record", "", "directory to write the verifier's logs to")

// rejects are programs that the verifier refuses, each for another reason.
func rejects(t *testing.T) map[string]struct {
	spec   prog.Spec
	reason string
} {
	load := func(code ...asm.Instruction) prog.Spec {
		t.Helper()
		ins, err := asm.Assemble(code...)
		if err != nil {
			t.Fatal(err)
		}
		return prog.Spec{Type: prog.SocketFilter, License: "GPL", Insns: ins}
	}
	lookup := []asm.Instruction{
		asm.Call(asm.FnGetPrandomU32), // of an array's constant key the verifier knows that it is there
		asm.StoreMem(asm.R10, -4, asm.R0, asm.SizeW),
		asm.MovReg(asm.R2, asm.R10),
		asm.Add(asm.R2, -4),
		asm.LoadMap(asm.R1, "m"),
		asm.Call(asm.FnMapLookupElem),
	}
	null := load(append(lookup, asm.LoadMem(asm.R0, asm.R0, 0, asm.SizeDW), asm.Exit())...)
	null.Maps = map[string]prog.MapRef{"m": newMap(t)}
	outside := load(append(lookup,
		asm.JumpIf(asm.JEq, asm.R0, 0, "out"),
		asm.LoadMem(asm.R1, asm.R0, 8, asm.SizeDW),
		asm.Label("out"), asm.Mov(asm.R0, 0), asm.Exit())...)
	outside.Maps = null.Maps
	gpl := load(asm.Mov(asm.R1, 0), asm.Call(asm.FnProbeReadKernel), asm.Mov(asm.R0, 0), asm.Exit())
	gpl.Type, gpl.License = prog.Kprobe, "Proprietary"
	verdict := load(asm.Mov(asm.R0, 7), asm.Exit())
	verdict.Type, verdict.Attach = prog.CGroupSock, prog.AttachCGroupInetSockCreate
	lines := load(asm.Mov(asm.R1, 0), asm.LoadMem(asm.R0, asm.R1, 8, asm.SizeDW), asm.Exit())
	lines.Types = lineTypes(t)
	lines.Funcs = []btf.FuncInfo{{Off: 0, Type: 3}}
	lines.Lines = []btf.LineInfo{
		{Off: 0, Line: btf.Line{File: 10, Text: 20, LineCol: 3 << 10}},
		{Off: 1, Line: btf.Line{File: 10, Text: 37, LineCol: 4 << 10}},
	}
	type row = struct {
		spec   prog.Spec
		reason string
	}
	return map[string]row{
		"null":      {null, "R0 invalid mem access 'map_value_or_null'"},
		"outside":   {outside, "invalid access to map value, value_size=8 off=8 size=8; R0 min value is outside of the allowed memory range"},
		"scalar":    {load(asm.Mov(asm.R1, 7), asm.LoadMem(asm.R0, asm.R1, 0, asm.SizeDW), asm.Exit()), "R1 invalid mem access 'scalar'"},
		"lines":     {lines, "R1 invalid mem access 'scalar'"},
		"unset":     {load(asm.MovReg(asm.R0, asm.R5), asm.Exit()), "R5 !read_ok"},
		"context":   {load(asm.LoadMem(asm.R0, asm.R1, 1000, asm.SizeW), asm.Exit()), "invalid bpf_context access off=1000 size=4"},
		"helper":    {load(asm.Call(9999), asm.Exit()), "invalid func unknown#9999"},
		"type":      {load(asm.Call(asm.FnSkRedirectMap), asm.Exit()), "program of this type cannot use helper bpf_sk_redirect_map#52"},
		"gpl":       {gpl, "cannot call GPL-restricted function from non-GPL compatible program"},
		"unreached": {load(asm.Exit(), asm.Mov(asm.R0, 0), asm.Exit()), "unreachable insn 1"},
		"endless":   {load(asm.Call(asm.FnGetPrandomU32), asm.Label("again"), asm.JumpIf(asm.JNe, asm.R0, 0, "again"), asm.Exit()), "infinite loop detected at insn 1"},
		"verdict":   {verdict, "At program exit the register R0 has smin=7 smax=7 should have been in [0, 1]"},
		"core":      {load(asm.Mov(asm.R0, 0), asm.Call(verifierlog.PoisonCOREID), asm.Exit()), "invalid func unknown#195896080"},
		"map":       {load(asm.Call(verifierlog.PoisonMapBase+3), asm.Exit()), "invalid func unknown#2001000003"},
		"kfunc":     {load(asm.Call(verifierlog.PoisonKfuncBase+7), asm.Exit()), "invalid func unknown#2002000007"},
		"stack":     {load(asm.LoadMem(asm.R0, asm.R10, -600, asm.SizeDW), asm.Exit()), "invalid read from stack R10 off=-600 size=8"},
	}
}

// lineTypes is BTF of "int prog()" with the strings that the lines use.
func lineTypes(t *testing.T) *btf.Spec {
	strs := "\x00int\x00prog\x00src/bad.c\x00  int *p = NULL;\x00\treturn p[1];\x00"
	words := []uint32{
		1, 1 << 24, 4, 1<<24 | 32, // int
		0, 13 << 24, 1, // function of none
		5, 12 << 24, 2, // prog
	}
	b := nativeOrder.AppendUint16(nil, 0xeb9f)
	b = append(b, 1, 0)
	n := uint32(len(words) * 4)
	for _, w := range append([]uint32{24, 0, n, n, uint32(len(strs))}, words...) {
		b = nativeOrder.AppendUint32(b, w)
	}
	s, err := btf.Parse(append(b, strs...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRejectedForManyReasons compares reasons with the words of Linux 6.18;
// other kernels may choose others, but give one.
func TestRejectedForManyReasons(t *testing.T) {
	needKernel(t)
	release, _, _, _ := sys.Uname()
	for name, tt := range rejects(t) {
		t.Run(name, func(t *testing.T) {
			tt.spec.Name = name
			_, err := prog.Load(&tt.spec, nil)
			var ve *verifierlog.Error
			if !errors.As(err, &ve) {
				t.Fatalf("got %v", err)
			}
			got := ve.Log.Explain().Reason
			if strings.HasPrefix(release, "6.18.") && got != tt.reason || got == "" {
				t.Errorf("got  %s\nwant %s\n%+v", got, tt.reason, err)
			}
			t.Log(err)
			// More words, the same reason.
			var loud *verifierlog.Error
			if _, err := prog.Load(&tt.spec, &prog.Options{LogLevel: 2 | 4}); !errors.As(err, &loud) {
				t.Fatalf("level 2: %v", err)
			}
			want, more := ve.Explain(), loud.Explain()
			if want.Reason != more.Reason || want.Insn != more.Insn || want.Source != more.Source {
				t.Errorf("level 2: %+v\nlevel 1: %+v\n%s", more, want, loud.Log)
			}
			if *record != "" {
				text := ve.Log.String() + "\n"
				if err := os.WriteFile(filepath.Join(*record, name+".log"), []byte(text), 0o644); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
