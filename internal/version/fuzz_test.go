package version

import (
	"testing"

	"github.com/skepbpf/skep/internal/fuzztest"
)

// FuzzParse: a version parses again from its text, and its code keeps the
// order of versions that have one.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"6.12.5-amd64", "5.4", "1.2.", "65535.65535.65535", "65536.0", "6", "", " 7.1.0-rc1\n", ".1", "6..1", "00006.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var v V
		var err error
		fuzztest.Check(t, len(s), func() { v, err = Parse(s) })
		if err != nil {
			if v != (V{}) {
				t.Errorf("%v and %v", v, err)
			}
			return
		}
		again, err := Parse(v.String())
		if err != nil || again != v {
			t.Errorf("%q is %v, which is %v, %v", s, v, again, err)
		}
		if v.Compare(again) != 0 || !v.AtLeast(again) {
			t.Errorf("%v is not itself", v)
		}
	})
}
