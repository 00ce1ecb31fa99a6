package kernel

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/testutil"
)

func TestReadSymbols(t *testing.T) {
	got, err := ReadSymbols(root("debian"), []string{
		"jiffies_64", "twin", "promoted", "inlined", "nf_hook", "missing", "jiffies_64", "",
	}, ScanAll)
	if err != nil {
		t.Fatal(err)
	}
	want := Symbols{Found: map[string]Symbol{
		"jiffies_64": {Addr: 0xffffffff82000000, Type: 'D'},
		"twin":       {Addr: 0xffffffff81000110, Type: 't', Other: 0xffffffff81000220, Ambiguous: true},
		"promoted":   {Addr: 0xffffffff81000330, Type: 'd'},
		"nf_hook":    {Addr: 0xffffffffc0a01000, Type: 't', Module: "nf_tables"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadSymbolsHidden(t *testing.T) {
	got, err := ReadSymbols(root("hidden"), []string{"jiffies_64", "nothing"}, ScanAll)
	if err != nil {
		t.Fatal(err)
	}
	want := Symbols{Found: map[string]Symbol{"jiffies_64": {Type: 'd'}}, Hidden: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ReadSymbols(root("ubuntu"), []string{"x"}, ScanAll); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestParseSymbolsStopsEarly(t *testing.T) {
	// What follows the last asked name is not even looked at.
	in := "ff T one\nfe T two\nnot a symbol line\n"
	got, err := ParseSymbols(strings.NewReader(in), []string{"one", "two"}, ScanFound)
	if err != nil || len(got.Found) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	_, err = ParseSymbols(strings.NewReader(in), []string{"one", "two"}, ScanAll)
	var fe *bin.FormatError
	if !errors.As(err, &fe) || fe.Offset != 18 {
		t.Errorf("whole scan: %v", err)
	}
}

func TestParseSymbolsInSmallReads(t *testing.T) {
	in := strings.Repeat("ffffffff81000000 T filler_symbol\n", 5000) + "ff T last"
	got, err := ParseSymbols(iotest.OneByteReader(strings.NewReader(in)), []string{"last"}, ScanAll)
	if err != nil || got.Found["last"].Addr != 0xff {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ParseSymbols(strings.NewReader("ff T "+strings.Repeat("x", kallsymsBuf)), []string{"x"}, ScanAll); err == nil {
		t.Error("endless line accepted")
	}
	broken := errors.New("broken")
	if _, err := ParseSymbols(iotest.ErrReader(broken), []string{"x"}, ScanAll); !errors.Is(err, broken) {
		t.Errorf("read error: %v", err)
	}
}

func TestRunningKernelSymbols(t *testing.T) {
	testutil.Require(t, "", "CONFIG_KALLSYMS")
	got, err := ReadSymbols(FS("/"), []string{"schedule", "no_such_symbol_of_ours"}, ScanAll)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := got.Found["schedule"]
	if !ok || len(got.Found) != 1 || (s.Addr == 0) != got.Hidden {
		t.Errorf("got %+v", got)
	}
}

func BenchmarkKallsyms(b *testing.B) {
	testutil.Require(b, "", "CONFIG_KALLSYMS")
	for b.Loop() {
		if _, err := ReadSymbols(FS("/"), []string{"schedule", "jiffies"}, ScanAll); err != nil {
			b.Fatal(err)
		}
	}
}
