package asm_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	stdelf "debug/elf"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/testutil"
)

// objdump gives the text of every instruction by section and slot.
func objdump(t *testing.T, object string) map[string]map[uint64]string {
	t.Helper()
	out, err := exec.Command(testutil.NeedTool(t, "llvm-objdump-22"), "-d", "-z", "--no-show-raw-insn", object).Output()
	if err != nil {
		t.Fatalf("llvm-objdump: %v", err)
	}
	texts := map[string]map[uint64]string{}
	var section map[uint64]string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "Disassembly of section "); ok {
			section = map[uint64]string{}
			texts[strings.TrimSuffix(name, ":")] = section
			continue
		}
		num, text, ok := strings.Cut(line, ":\t")
		slot, isNum := parseSlot(num)
		if !ok || section == nil || !isNum {
			continue
		}
		if i := strings.LastIndex(text, " <"); i > 0 && strings.HasSuffix(text, ">") {
			text = text[:i]
		}
		section[slot] = strings.TrimSpace(text)
	}
	return texts
}

func parseSlot(s string) (uint64, bool) {
	s = strings.TrimSpace(s)
	n := uint64(0)
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, s != ""
}

// compareObject decodes every executable section of an object, demands that
// encoding gives its bytes again, and that the text is objdump's. It returns
// the number of instructions.
func compareObject(t *testing.T, object string) int {
	t.Helper()
	f, err := stdelf.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	texts := objdump(t, object)
	total, bad := 0, 0
	for _, s := range f.Sections {
		if s.Type != stdelf.SHT_PROGBITS || s.Flags&stdelf.SHF_EXECINSTR == 0 || s.Size == 0 {
			continue
		}
		raw, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		ins, err := asm.Decode(raw, f.ByteOrder)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		again, err := ins.AppendEncode(nil, f.ByteOrder)
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s: encoding differs from the bytes decoded: %v", s.Name, err)
		}
		slot := uint64(0)
		for _, in := range ins {
			if got, want := in.String(), texts[s.Name][slot]; got != want {
				if bad++; bad < 40 {
					t.Errorf("%s slot %d: % x:\n got %q\nwant %q", s.Name, slot, raw[slot*8:slot*8+8], got, want)
				}
			}
			slot += uint64(in.Slots())
		}
		total += len(ins)
	}
	return total
}

// embedded cuts the BPF objects out of a binary that carries them as data.
func embedded(b []byte) [][]byte {
	var objects [][]byte
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("\x7fELF\x02\x01\x01"))
		if i < 0 {
			return objects
		}
		at += i
		if obj := cutObject(b[at:]); obj != nil {
			objects = append(objects, obj)
			at += len(obj)
			continue
		}
		at += 4
	}
}

// cutObject gives the ELF64 little-endian BPF object that b begins with; its
// section headers stand at its end.
func cutObject(b []byte) []byte {
	const emBPF = 247
	if len(b) < 64 || binary.LittleEndian.Uint16(b[18:]) != emBPF {
		return nil
	}
	shoff := binary.LittleEndian.Uint64(b[40:])
	n := uint64(binary.LittleEndian.Uint16(b[58:])) * uint64(binary.LittleEndian.Uint16(b[60:]))
	if shoff > uint64(len(b)) || n > uint64(len(b))-shoff {
		return nil
	}
	return b[:shoff+n]
}

func TestLibbpfToolsEqualObjdump(t *testing.T) {
	testutil.NeedTool(t, "llvm-objdump-22")
	binaries, _ := filepath.Glob("/usr/sbin/*")
	objects, total := 0, 0
	for _, path := range binaries {
		st, err := os.Stat(path)
		if err != nil || !st.Mode().IsRegular() || st.Size() > 8<<20 {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, obj := range embedded(b) {
			file := filepath.Join(t.TempDir(), filepath.Base(path)+".o")
			if err := os.WriteFile(file, obj, 0o600); err != nil {
				t.Fatal(err)
			}
			total += compareObject(t, file)
			objects++
		}
	}
	if objects == 0 {
		testutil.Missing(t, "package libbpf-tools")
	}
	t.Logf("%d instructions of %d objects", total, objects)
}

func TestTestdataEqualsObjdump(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../testdata/*.o", "../testdata/*.elf"} {
		m, _ := filepath.Glob(pattern)
		files = append(files, m...)
	}
	if len(files) == 0 {
		t.Fatal("no objects in ../testdata: they are committed")
	}
	testutil.NeedTool(t, "llvm-objdump-22")
	total := 0
	for _, f := range files {
		total += compareObject(t, f)
	}
	t.Logf("%d instructions of %d objects", total, len(files))
}

// TestEveryOpcodeEqualsObjdump gives objdump an object whose instructions are
// all 256 opcodes with fields at random and at values that mean something.
func TestEveryOpcodeEqualsObjdump(t *testing.T) {
	testutil.NeedTool(t, "llvm-objdump-22")
	for _, tt := range []struct {
		target string
		order  binary.ByteOrder
	}{{"bpfel", binary.LittleEndian}, {"bpfeb", binary.BigEndian}} {
		t.Run(tt.target, func(t *testing.T) {
			raw := sampleCode(t, tt.order)
			n := compareObject(t, assembleBytes(t, tt.target, raw))
			t.Logf("%d instructions", n)
		})
	}
}

func sampleCode(t *testing.T, order binary.ByteOrder) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	offs := []int16{0, 0, 1, -1, 2, 8, 16, 32, 64, -32768, 32767}
	imms := []int64{0, 0, 1, -1, 16, 32, 64, 0x40, 0x50, 0xa0, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0x100, 0x110,
		0x10001, -1 << 31, 1<<31 - 1}
	var ins asm.Instructions
	for op := range 256 {
		for range 200 {
			in := asm.Instruction{Op: asm.Opcode(op), Off: offs[r.IntN(len(offs))], Imm: imms[r.IntN(len(imms))]}
			in.Dst, in.Src = asm.Reg(r.IntN(11)), asm.Reg(r.IntN(11))
			if r.IntN(8) == 0 {
				in.Dst, in.Src = asm.Reg(r.IntN(16)), asm.Reg(r.IntN(16))
			}
			if r.IntN(4) == 0 {
				in.Off = int16(r.Uint32())
			}
			if r.IntN(4) == 0 {
				in.Imm = int64(int32(r.Uint32()))
			}
			if in.Op.Class() == asm.ClassSTX && in.Op.Mode() == asm.ModeATOMIC && in.Imm != 0x100 && in.Imm != 0x110 {
				// LLVM takes the operation from a few bits alone and
				// shows as valid what no kernel accepts; String does not.
				in.Imm &= 0xf1
			}
			if in.Wide() {
				in.Imm = int64(r.Uint64()) >> r.IntN(64)
				if r.IntN(8) != 0 {
					in.Off = 0
				}
			}
			ins = append(ins, in)
		}
	}
	raw, err := ins.AppendEncode(nil, order)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// assembleBytes makes an object whose .text is raw.
func assembleBytes(t *testing.T, target string, raw []byte) string {
	t.Helper()
	clang := testutil.NeedTool(t, "clang-22")
	dir := t.TempDir()
	blob, src, obj := filepath.Join(dir, "raw.bin"), filepath.Join(dir, "raw.s"), filepath.Join(dir, "raw.o")
	if err := os.WriteFile(blob, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(src, []byte(".text\n.globl f\nf:\n.incbin \""+blob+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(clang, "-target", target, "-c", src, "-o", obj).CombinedOutput()
	if err != nil {
		t.Fatalf("clang: %v\n%s", err, out)
	}
	return obj
}
