package kernel

import (
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzParseSymbols: a symbol is found if a line has its name, and a scan that
// may stop early finds the same names.
func FuzzParseSymbols(f *testing.F) {
	f.Add([]byte("ffffffff81000330 d promoted.llvm.9182734\n0 t x\t[m]\n"), "promoted")
	f.Add([]byte("0 t x"), "x")
	f.Add([]byte("0 t x\n1 T x\t[nf_tables]\n2 d x.llvm.1\n"), "x")
	f.Add([]byte("ffffffffffffffffff t x\n"), "x")
	f.Add([]byte("0 t "+strings.Repeat("x", 2*maxSymbolLine)+"\n"), "x")
	f.Add([]byte(strings.Repeat("0 t x\n", kallsymsBuf/6)), "x")
	f.Fuzz(func(t *testing.T, in []byte, name string) {
		var s Symbols
		var err error
		fuzztest.Within(t, len(in), fuzztest.Ceiling(len(in)+len(name))+kallsymsBuf, func() {
			s, err = ParseSymbols(strings.NewReader(string(in)), []string{name}, ScanAll)
		})
		if err != nil {
			if s.Found != nil {
				t.Error("error and value")
			}
			return
		}
		_, ok := s.Found[name]
		if ok && !strings.Contains(string(in), name) {
			t.Error("found what is not there")
		}
		early, err := ParseSymbols(strings.NewReader(string(in)), []string{name}, ScanFound)
		if _, also := early.Found[name]; err != nil || also != ok {
			t.Errorf("found %v in all, %v and %v by a scan that stops early", ok, also, err)
		}
	})
}
