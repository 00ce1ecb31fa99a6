package btf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/testutil"
)

func goText(t testing.TB, s *Spec, o *GoOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteGo(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoGolden(t *testing.T) {
	s, err := Parse(clashes(orders[0]).bytes())
	if err != nil {
		t.Fatal(err)
	}
	node, _ := layouts(t, ".el").ByName("node", KindStruct)
	for name, text := range map[string]string{
		"layouts.go.txt": goText(t, layouts(t, ".el"), nil),
		"clashes.go.txt": goText(t, s, &GoOptions{Package: "clashes"}),
		"node.go.txt":    goText(t, layouts(t, ".el"), &GoOptions{Roots: []ID{node.ID()}}),
	} {
		golden(t, name, text)
		formatted, err := format.Source([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(string(formatted), text); diff != "" {
			t.Errorf("%s: not as gofmt has it (-gofmt +got):\n%s", name, diff)
		}
	}
}

func TestGoNames(t *testing.T) {
	for name, want := range map[string]string{
		"task_struct": "TaskStruct", "pid": "Pid", "__u32": "U32", "BPF_MAP_TYPE_HASH": "BPF_MAP_TYPE_HASH",
		"e1000_hw": "E1000Hw", "9p": "X9p", "": "X", "_": "X", "a::b<c>": "ABC", "u8": "U8", "IPv4_addr": "IPv4Addr",
	} {
		if got := goName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestGoRefuses(t *testing.T) {
	s := layouts(t, ".el")
	i, _ := s.ByName("int", KindInt)
	for _, id := range []ID{i.ID(), 0, ID(s.Len())} {
		if err := WriteGo(&bytes.Buffer{}, s, &GoOptions{Roots: []ID{id}}); err == nil {
			t.Errorf("type %d: no error", id)
		}
	}
	if err := WriteGo(failing{}, s, nil); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// goRun builds and runs a program of the files, and has the compiler check it
// for other architectures, too.
func goRun(t *testing.T, files map[string]string, others ...string) string {
	t.Helper()
	tool := testutil.NeedTool(t, "go")
	dir := t.TempDir()
	files["go.mod"] = "module printed\n\ngo 1.26\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, arch := range others {
		cmd := exec.Command(tool, "vet", ".")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("for %s: %v\n%.3000s", arch, err, out)
		}
	}
	for _, args := range [][]string{{"vet", "."}, {"run", "."}} {
		cmd := exec.Command(tool, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%.3000s", args[0], err, out)
		}
		if args[0] == "run" {
			return string(out)
		}
	}
	return ""
}

// goAsserts prints s and constants that the compiler refuses where a size or
// an offset is another than BTF's.
func goAsserts(t *testing.T, s *Spec, roots []ID) (files map[string]string, types int) {
	t.Helper()
	var out bytes.Buffer
	var b strings.Builder
	b.WriteString("package main\n\nimport \"unsafe\"\n\n")
	p := newGoPrinter(&out, s)
	p.placed = func(typ, field string, off uint32) {
		fmt.Fprintf(&b, "const _ = -(unsafe.Offsetof(%s{}.%s) ^ %d)\n", typ, field, off)
	}
	p.roots(roots)
	for i := 0; i < len(p.queue); i++ {
		g := p.queue[i]
		p.print(g)
		if compound.has(g.t.Kind()) {
			types++
			fmt.Fprintf(&b, "const _ = -(unsafe.Sizeof(%s{}) ^ %d)\n", g.name, g.t.size)
		}
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	return map[string]string{"types.go": goText(t, s, &GoOptions{Package: "main", Roots: roots}), "asserts.go": b.String()}, types
}

func TestGoCompiles(t *testing.T) {
	testutil.NeedTime(t)
	testutil.Need64Bit(t)
	s := layouts(t, ".el")
	files, _ := goAsserts(t, s, nil)
	files["main.go"] = `package main

import "fmt"

func show[T any](v T) {
	b := make([]byte, 0)
	for i := range int(unsafeSize(v)) {
		b = append(b, bytesOf(&v)[i])
	}
	fmt.Printf("%T %x\n", v, b)
}

func main() {
	var b Bits
	b.SetA(5)
	b.SetB(100)
	b.SetC(-3)
	b.SetColor(GREEN)
	b.SetSign(MINUS)
	b.SetFlag(true)
	b.SetD(0xffeeddccbb)
	b.E = 7
	b.SetF(9)
	b.SetG(300)
	fmt.Println(b.A(), b.B(), b.C(), b.Color(), b.Sign(), b.Flag(), b.D(), b.E, b.F(), b.G())
	show(b)
	var p PackedBits
	p.SetB(1<<30 + 5)
	p.SetC(1<<59 + 3)
	fmt.Println(p.A(), p.B(), p.C())
	show(p)
	var h HalfPacked
	h.P.SetC(1 << 40)
	h.Z = 4
	fmt.Println(h.P.C())
	show(h)
	var e Either
	*e.Word() = 0x80000001
	fmt.Println(e.Bytes()[3], *e.High(), e.Parts().Odd(), e.Parts().Rest())
	show(e)
	var n Nested
	*n.Ok() = true
	n.In[1].In = 3
	show(n)
}
`
	files["size.go"] = `package main

import "unsafe"

func unsafeSize[T any](v T) uintptr { return unsafe.Sizeof(v) }

func bytesOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }
`
	// The methods and AppendValue agree on what the memory means.
	got := goRun(t, files)
	golden(t, "methods.txt", got)
	for line := range strings.Lines(got) {
		name, data, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !strings.HasPrefix(name, "main.") || !ok {
			continue
		}
		b, err := hex.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"main.Bits":       `{.a = 5, .b = 100, .c = -3, .color = GREEN, .sign = MINUS, .flag = true, .d = 1099224173755, .e = 7, .f = 9, .g = 300}`,
			"main.PackedBits": `{.a = 0, .b = 1073741829, .c = 576460752303423491}`,
			"main.HalfPacked": `{.a = 0, .p = {.a = 0, .b = 0, .c = 1099511627776, .d = 0}, .z = 4}`,
			"main.Either":     `{.word = 2147483649, .bytes = {1, 0, 0, 128}, .low = 1, .high = 32768, .parts = {.odd = 1, .rest = 1073741824}}`,
		}[name]
		for typ := range s.All() {
			if want == "" || !compound.has(typ.Kind()) || "main."+goName(typ.Name()) != name {
				continue
			}
			if text, err := AppendValue(nil, typ, b, nil); err != nil || string(text) != want {
				t.Errorf("%s: %s (%v), want %s", name, text, err, want)
			}
		}
	}
}
