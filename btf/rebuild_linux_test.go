package btf

import (
	"bytes"
	"os"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// hostBTF is that of this kernel, read and checked.
func hostBTF(t testing.TB) (*Spec, []byte) {
	t.Helper()
	testutil.NeedFile(t, "BTF of the kernel", "/sys/kernel/btf/vmlinux")
	blob, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	return s, blob
}

// TestKernelRebuilt adds all types of this kernel field by field, and as they
// are.
func TestKernelRebuilt(t *testing.T) {
	testutil.NeedTime(t)
	s, blob := hostBTF(t)
	opts := &BuilderOptions{Order: s.Order(), Layout: s.hdr.layoutN > 0}
	fields, whole, same := NewBuilder(opts), NewBuilder(opts), NewBuilder(opts)
	rebuild(fields, s)
	for typ := range s.All() {
		whole.AddType(typ)
	}
	same.AddSpec(s)
	a, err := fields.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := whole.Bytes(); err != nil || !bytes.Equal(a, b) {
		t.Errorf("field by field and as they are: %d and %d bytes: %v", len(a), len(b), err)
	}
	if len(a) > len(blob) {
		t.Errorf("%d bytes became %d", len(blob), len(a))
	}
	if b, err := same.Bytes(); err != nil || !bytes.Equal(b, blob) {
		t.Errorf("all at once: %d bytes instead of %d: %v", len(b), len(blob), err)
	}
	built, err := fields.Spec()
	if err != nil {
		t.Fatal(err)
	}
	if want, got := dump(s), dump(built); len(want) != len(got) || !equalLines(want, got) {
		t.Error("rebuilt, the types are others")
	}
}

func BenchmarkBuild(b *testing.B) {
	s, _ := hostBTF(b)
	for name, add := range map[string]func(*Builder){
		"types": func(n *Builder) {
			for t := range s.All() {
				n.AddType(t)
			}
		},
		"fields": func(n *Builder) { rebuild(n, s) },
		"spec":   func(n *Builder) { n.AddSpec(s) },
		"import": func(n *Builder) {
			im := n.Importer(s)
			for id := range ID(s.Len()) {
				im.Add(id)
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := NewBuilder(nil)
				add(n)
				if _, err := n.Bytes(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestRealRoundTrip: the kernel, its modules, and the objects of libbpf-tools.
func TestRealRoundTrip(t *testing.T) {
	testutil.NeedTime(t)
	s, blob := hostBTF(t)
	checkRoundTrip(t, sections{name: "vmlinux", btf: blob})
	for _, path := range testutil.NeedFile(t, "BTF of the kernel", "/sys/kernel/btf/*") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(b, blob) {
			continue
		}
		m, err := ParseSplit(b, s)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		n := NewBuilder(&BuilderOptions{Base: s, Layout: m.hdr.layoutN > 0})
		n.AddSpec(m)
		if got, err := n.Bytes(); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: built, it is not the same bytes: %v", path, err)
		}
	}
	for _, o := range objects(t) {
		checkRoundTrip(t, sections{o.name, o.btf, o.ext})
	}
}

func BenchmarkDedup(b *testing.B) {
	s, _ := hostBTF(b)
	three := NewBuilder(nil)
	for range 3 {
		three.AddSpec(s)
	}
	all, err := three.Spec()
	if err != nil {
		b.Fatal(err)
	}
	for name, in := range map[string]*Spec{"kernel": s, "kernel three times": all} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Dedup(in, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
