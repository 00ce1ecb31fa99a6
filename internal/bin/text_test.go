package bin

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReplace(t *testing.T) {
	for _, tt := range []struct{ s, chars, want string }{
		{"", ".", ""}, {"name", ".", "name"}, {".a.b", ".", "_a_b"}, {"?.a", ".?", "__a"}, {"é.", ".", "é_"},
	} {
		if got := Replace(tt.s, tt.chars, '_'); got != tt.want {
			t.Errorf("Replace(%q, %q) = %q, want %q", tt.s, tt.chars, got, tt.want)
		}
	}
}

func TestFields(t *testing.T) {
	for _, s := range []string{"", " ", "a", " a", "a ", "one two\tthree\n", "  0\t 0 4294967295\r\n", "é ü", "4.0\x04.15 \x00 b", "\v a\fb\x1f"} {
		if got, want := Fields(s), strings.Fields(s); !slices.Equal(got, want) {
			t.Errorf("Fields(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestReadUpTo(t *testing.T) {
	text := strings.Repeat("0123456789", 30)
	for _, size := range []int{0, 1, 7, 299, 300, 301, 1000} {
		for _, limit := range []int{1, 7, 299, 300, 301, math.MaxInt} {
			for name, r := range map[string]io.Reader{
				"at once": strings.NewReader(text), "bytewise": iotest.OneByteReader(strings.NewReader(text)),
				"end with data": iotest.DataErrReader(strings.NewReader(text)),
			} {
				got, err := ReadUpTo(r, size, limit)
				if want := text[:min(limit, len(text))]; string(got) != want || err != nil {
					t.Errorf("%s: size %d, limit %d: %d bytes, %v; want %d", name, size, limit, len(got), err, len(want))
				}
			}
		}
	}
	bad := errors.New("bad")
	if b, err := ReadUpTo(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(bad)), 2, 10); b != nil || err != bad {
		t.Errorf("got %q, %v", b, err)
	}
}
