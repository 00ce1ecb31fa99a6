package btf

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/elffile"
	"github.com/skepbpf/skep/internal/testutil"
)

// clang compiles text for BPF and gives what options ask for in out.o.
func clang(t *testing.T, s *Spec, text string, options ...string) []byte {
	t.Helper()
	tool := testutil.NeedTool(t, "clang-22")
	dir := t.TempDir()
	src, out := filepath.Join(dir, "text.c"), filepath.Join(dir, "out.o")
	if err := os.WriteFile(src, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	target := "bpfel"
	if s.hdr.big {
		target = "bpfeb"
	}
	args := append([]string{"-target", target, "-Werror", "-Wall", "-Wno-unused", "-Wno-visibility"}, options...)
	log, err := exec.Command(tool, append(args, src, "-o", out)...).CombinedOutput()
	if err != nil {
		if len(log) > 2000 {
			log = log[:2000]
		}
		t.Fatalf("%v\n%s", err, log)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil // -fsyntax-only
	}
	f, err := elffile.OpenBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	i, ok := f.Section(".BTF")
	if !ok {
		t.Fatal("no BTF in what clang made")
	}
	if b, err = f.Data(i); err != nil {
		t.Fatal(err)
	}
	return b
}

// assertions hold every named struct and union against its text.
func assertions(p *cprinter) (text string, n int) {
	var b strings.Builder
	b.WriteString("#define S(t, n) _Static_assert(sizeof(t) == n, #t)\n" +
		"#define O(t, m, n) _Static_assert(__builtin_offsetof(t, m) == n, #t \".\" #m)\n")
	for t := range p.s.All() {
		if !compound.has(t.Kind()) || t.name == 0 {
			continue
		}
		n++
		name := t.Kind().String() + " " + p.names.of(t)
		fmt.Fprintf(&b, "S(%s, %d);\n", name, t.Size())
		for i := range t.Vlen() {
			m, _ := t.rawMember(i)
			if f := p.place(t, m); f.bits == 0 && m.name != 0 {
				fmt.Fprintf(&b, "O(%s, %s, %d);\n", name, cword(t.Member(i).Name), m.offset/8)
			}
		}
	}
	return b.String(), n
}

// sample is how many types are read back, at least, of those that are more.
const sample = 2000

// checkC prints s, has clang hold sizes and offsets against it, and reads the
// text back: every named struct and union has to come out the same.
func checkC(t *testing.T, s *Spec) {
	t.Helper()
	if s = s.onHeap(); s == nil {
		t.Fatal(ErrClosed)
	}
	header := cText(t, s, &COptions{NoAccessIndex: true})
	p := newCPrinter(nil, s)
	asserts, n := assertions(p)
	clang(t, s, cText(t, s, nil), "-fsyntax-only")
	clang(t, s, header+asserts, "-fsyntax-only")

	// All of a kernel's take clang a minute.
	step := max(1, n/sample)
	var use strings.Builder
	use.WriteString(header)
	i := 0
	for t := range s.All() {
		if !compound.has(t.Kind()) || t.name == 0 {
			continue
		}
		if i++; i%step == 0 {
			fmt.Fprintf(&use, "%s %s use%d;\n", t.Kind(), p.names.of(t), t.id)
		}
	}
	back, err := Parse(clang(t, s, use.String(), "-g", "-c"))
	if err != nil {
		t.Fatal(err)
	}
	same := roundTrip{p: p, back: back, by: make(map[string]Type)}
	for t := range back.All() {
		if compound.has(t.Kind()) && t.name != 0 {
			same.by[t.Kind().String()+" "+t.Name()] = t
		}
	}
	bad := 0
	i = 0
	for a := range s.All() {
		if !compound.has(a.Kind()) || a.name == 0 {
			continue
		}
		if i++; i%step != 0 {
			continue
		}
		b, ok := same.by[a.Kind().String()+" "+p.names.of(a)]
		if !ok {
			t.Errorf("%s did not come back", a)
		} else if why := same.bodies(a, b); why != "" {
			t.Errorf("[%d] %s came back otherwise: %s", a.ID(), a, why)
		} else {
			continue
		}
		if bad++; bad > 10 {
			break
		}
	}
	t.Logf("%d types, %d structs and unions of which %d were read back, %d bytes of text", s.Len(), n, i/step, len(header))
	if n == 0 {
		t.Error("no struct")
	}
}

// roundTrip compares types with what a compiler made of their text.
type roundTrip struct {
	p    *cprinter
	back *Spec
	by   map[string]Type
}

// bodies says how two structs or unions differ.
func (r *roundTrip) bodies(a, b Type) string {
	var members []Member
	for i := range b.Vlen() {
		if m := b.Member(i); !strings.HasPrefix(m.Name, "__hole") { // larger than maxFill
			members = append(members, m)
		}
	}
	if a.Kind() != b.Kind() || a.Size() != b.Size() || a.Vlen() != len(members) {
		return fmt.Sprintf("%s of %d bytes and %d members, then %s of %d and %d", a.Kind(), a.Size(), a.Vlen(), b.Kind(), b.Size(), b.Vlen())
	}
	for i := range a.Vlen() {
		ma, mb := a.Member(i), members[i]
		if ma.Offset != mb.Offset || ma.BitSize != mb.BitSize || cword(ma.Name) != mb.Name && ma.Name != "" {
			return fmt.Sprintf("member %+v, then %+v", ma, mb)
		}
		ta := ma.Type
		if q, _ := r.p.s.Type(ta); ma.Name == "" && q.Kind() == KindConst {
			ta = q.Target() // clang moves it to the members
		}
		if why := r.types(ta, mb.Type, ma.Name == ""); why != "" {
			return ma.Name + ": " + why
		}
	}
	return ""
}

// types says how two types differ; those with a name are told by it.
func (r *roundTrip) types(ia, ib ID, unnamed bool) string {
	a, _ := r.p.s.Type(ia)
	b, _ := r.back.Type(ib)
	differ := fmt.Sprintf("%s, then %s", a, b)
	k := a.Kind()
	named := r.p.names.of(a)
	if in, ok := r.p.s.Type(a.Target()); k == KindConst && ok && in.Kind() == KindArray {
		// To C, it is the elements that are constant.
		if elem, ok := r.p.s.Type(in.Target()); ok && elem.Kind() == KindConst {
			return r.types(in.ID(), ib, false)
		}
	}
	switch {
	case k == KindInt && b.Kind() == KindTypedef && b.Name() == named,
		k == KindFwd && (b.Kind() == KindStruct || b.Kind() == KindUnion) && b.Name() == named,
		compound.has(k) && b.Kind() == KindFwd && b.Name() == named:
		return ""
	case k != b.Kind():
		return differ
	case compound.has(k) && (a.name == 0 || unnamed):
		return r.bodies(a, b)
	case compound.has(k) || k == KindFwd || k == KindTypedef:
		if named != b.Name() {
			return differ
		}
		return ""
	}
	switch k {
	case KindInt, KindFloat:
		ea, na, _ := a.Int()
		eb, nb, _ := b.Int()
		// pahole and clang do not agree on the sign of char.
		if a.Size() != b.Size() || ea&IntBool != eb&IntBool || na != nb || a.Size() > 1 && ea&IntSigned != eb&IntSigned {
			return differ
		}
		return ""
	case KindEnum, KindEnum64:
		return r.enums(a, b)
	case KindArray:
		ta, _, na := a.Array()
		tb, _, nb := b.Array()
		if na != nb {
			return differ
		}
		return r.types(ta, tb, false)
	case KindFuncProto:
		if a.Vlen() != b.Vlen() {
			return differ
		}
		for i := range a.Vlen() {
			if why := r.types(a.Param(i).Type, b.Param(i).Type, false); why != "" {
				return why
			}
		}
	case KindVoid:
		return ""
	case KindTypeTag:
		if a.Name() != b.Name() || a.KindFlag() != b.KindFlag() {
			return differ
		}
	}
	return r.types(a.Target(), b.Target(), false)
}

func (r *roundTrip) enums(a, b Type) string {
	if r.p.names.of(a) != b.Name() || a.Size() != b.Size() || a.Vlen() != b.Vlen() && a.Vlen() != 0 {
		return fmt.Sprintf("%s of %d bytes, then %s of %d", a, a.Size(), b, b.Size())
	}
	for i := range a.Vlen() {
		va, vb := a.EnumValue(i), b.EnumValue(i)
		if va.Value != vb.Value || cword(va.Name) != EssentialName(vb.Name) && cword(va.Name) != vb.Name {
			return fmt.Sprintf("%+v, then %+v", va, vb)
		}
	}
	return ""
}

func TestCCompiles(t *testing.T) {
	for _, name := range []string{".el", ".eb", "-later.el"} {
		t.Run(name, func(t *testing.T) { checkC(t, layouts(t, name)) })
	}
	clang(t, layouts(t, ".el"), cText(t, layouts(t, ".el"), nil), "-fsyntax-only", "-std=gnu23")
	t.Run("clashes", func(t *testing.T) {
		s, err := Parse(clashes(orders[0]).bytes())
		if err != nil {
			t.Fatal(err)
		}
		clang(t, s, cText(t, s, nil), "-fsyntax-only", "-std=gnu23")
		checkC(t, s)
	})
}

func TestCKernel(t *testing.T) {
	testutil.NeedTime(t)
	s, err := liveKernel(t).Vmlinux()
	if err != nil {
		t.Fatal(err)
	}
	checkC(t, s)
}

// kernelBlobs reads the BTF of kernels that are not running here: files or
// images that the patterns of $SKEP_KERNELS match.
func kernelBlobs(t *testing.T) map[string][]byte {
	t.Helper()
	found := make(map[string][]byte)
	for _, pattern := range filepath.SplitList(testutil.OptIn(t, "SKEP_KERNELS")) {
		for _, path := range testutil.NeedFile(t, "kernels", pattern) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if raw, err := fileBTF(bytes.NewReader(b), int64(len(b))); err == nil {
				found[path] = raw
			} else if raw := blobInside(b); raw != nil {
				found[path] = raw
			} else {
				t.Errorf("%s: no BTF in it", path)
			}
		}
	}
	return found
}

// blobInside finds BTF in an image without sections, as arm64 boots it.
func blobInside(b []byte) []byte {
	head := []byte{0x9f, 0xeb, 1, 0, 24, 0, 0, 0}
	for from := 0; ; from++ {
		i := bytes.Index(b[from:], head)
		if i < 0 {
			return nil
		}
		from += i
		if h, err := parseHeader(b[from:]); err == nil && h.strLen > 1<<16 {
			return b[from:][:h.len+h.strOff+h.strLen]
		}
	}
}

func TestCOtherKernels(t *testing.T) {
	for name, b := range kernelBlobs(t) {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			s, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			checkC(t, s)
			checkRoundTrip(t, sections{name: name, btf: b})
		})
	}
}
