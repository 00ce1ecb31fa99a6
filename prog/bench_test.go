package prog_test

import (
	"testing"

	"github.com/skepbpf/skep/prog"
)

// BenchmarkImage encodes 10,000 instructions.
func BenchmarkImage(b *testing.B) {
	s := prog.Spec{Insns: branchy(5000)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Image(nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is the cost of a load beside the kernel's verification: the
// program has two instructions.
func BenchmarkLoad(b *testing.B) {
	needKernel(b)
	s := prog.Spec{Name: "bench", Type: prog.XDP, License: "GPL", Insns: ret(2)}
	b.ReportAllocs()
	for b.Loop() {
		p, err := prog.Load(&s, nil)
		if err != nil {
			b.Fatal(err)
		}
		_ = p.Close()
	}
}
