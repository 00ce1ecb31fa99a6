package kernel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skepbpf/skep/internal/fuzztest"
)

func all([]byte) bool { return true }

func TestParseTraceable(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		addrs      bool
		want       []Function
		bad        bool
	}{
		{"names", "vfs_read\nveth_open [veth]\n\nlast", false, []Function{{"vfs_read", "", 0}, {"veth_open", "veth", 0}, {"last", "", 0}}, false},
		{"addresses", "ffffffff81000000 a\nffffffffc0000010 b [m] more\n", true, []Function{{"a", "", 0xffffffff81000000}, {"b", "m", 0xffffffffc0000010}}, false},
		{"weak ones that were overridden", "0 __ftrace_invalid_address___12\n1 x\n", true, []Function{{"x", "", 1}}, false},
		{"flags behind the name", "x (1) R   ->f+0x0\n", false, []Function{{"x", "", 0}}, false},
		{"nothing", "", true, nil, false},
		{"no address", "vfs_read\n", true, nil, true},
		{"long address", "fffffffffffffffff a\n", true, nil, true},
		{"no name", " \n", false, nil, true},
		{"module without an end", "a [m\n", false, []Function{{"a", "", 0}}, false},
	} {
		got, err := ParseTraceable([]byte(tt.text), tt.addrs, all)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.bad {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
	got, err := ParseTraceable([]byte("ab\nb\nabc\n"), false, func(n []byte) bool { return len(n) == 2 })
	if len(got) != 1 || got[0].Name != "ab" || err != nil {
		t.Errorf("chosen: %v, %v", got, err)
	}
}

func TestParseTexts(t *testing.T) {
	const text = "ffffffff81000000 T start\nffffffff81000010 d data\n0 t hidden\nffffffffc0000000 t f\t[veth]\nffffffffc0000010 W weak\nnonsense\nffffffffc0000020 t end"
	var got []Function
	err := ParseTexts(strings.NewReader(text), func(s *Text) { got = append(got, Function{string(s.Name), string(s.Module), s.Addr}) })
	want := []Function{
		{"start", "", 0xffffffff81000000}, {"hidden", "", 0}, {"f", "veth", 0xffffffffc0000000},
		{"weak", "", 0xffffffffc0000010}, {"end", "", 0xffffffffc0000020},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if err := ParseTexts(strings.NewReader(strings.Repeat("x", 2*kallsymsBuf)), func(*Text) {}); err == nil {
		t.Error("an endless line is taken")
	}
}

// FuzzTraceable: what is found stands in the text, and no line is found twice.
func FuzzTraceable(f *testing.F) {
	f.Add([]byte("ffffffff81000000 a\n1 b [m]\n"), true)
	f.Add([]byte("a\nb [m]\n\n c\n"), false)
	f.Add([]byte("a [m"), false)
	f.Add([]byte(strings.Repeat("a\n", 100)), false)
	f.Fuzz(func(t *testing.T, b []byte, addrs bool) {
		var got []Function
		var err error
		// A name of one byte is a Function of forty, in a list that grows.
		fuzztest.Within(t, len(b), fuzztest.Ceiling(len(b))+uint64(100*len(b)), func() { got, err = ParseTraceable(b, addrs, all) })
		if err != nil && got != nil {
			t.Error("error and value")
		}
		if len(got) > 1+strings.Count(string(b), "\n") {
			t.Errorf("%d functions", len(got))
		}
		for _, fn := range got {
			if fn.Name == "" || !strings.Contains(string(b), fn.Name) || !strings.Contains(string(b), fn.Module) {
				t.Errorf("%+v", fn)
			}
		}
	})
}

// FuzzTexts: as many functions as lines at most, each with a name.
func FuzzTexts(f *testing.F) {
	f.Add([]byte("ffffffff81000000 T a\n1 t b\t[m]\n2 d c\n"))
	f.Add([]byte("0 t x"))
	f.Add([]byte("0 t x\t["))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		fuzztest.Within(t, len(b), fuzztest.Ceiling(len(b))+2*kallsymsBuf, func() {
			n = 0
			_ = ParseTexts(strings.NewReader(string(b)), func(s *Text) {
				if n++; len(s.Name) == 0 {
					t.Error("no name")
				}
			})
		})
		if n > 1+strings.Count(string(b), "\n") {
			t.Errorf("%d functions", n)
		}
	})
}
