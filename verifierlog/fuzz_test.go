package verifierlog

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzParse: every line gives an event or two, and an error that carries the
// log tells a cause in one line, however long the log is.
func FuzzParse(f *testing.F) {
	for _, tt := range layouts {
		f.Add([]byte(tt.log))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzztest.Check(t, len(b), func() {
			l := Parse(b)
			for range l.Events() {
			}
			l.Stats()
			l.Explain()
		})
		l := Parse(b)
		n := 0
		for ev := range l.Events() {
			if ev.Kind.String() == "" || ev.Insn < -1 {
				t.Errorf("%+v", ev)
			}
			n++
		}
		if lines := strings.Count(l.String(), "\n") + 1; !l.Empty() && (n < lines || n > 2*lines) {
			t.Errorf("%d events of %d lines", n, lines)
		}
		e := &Error{Op: "x", Err: fs.ErrInvalid, Log: l}
		if text := e.Error(); !strings.HasPrefix(text, "x: invalid argument") || strings.Contains(text, "\n") {
			t.Errorf("%q", text)
		}
		_ = fmt.Sprintf("%+v", e)
	})
}
