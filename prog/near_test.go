package prog

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		sought string
		names  []string
		want   []string
	}{
		{"verdicts", []string{"doubled", "verdict", "", "verdict", "hooked"}, []string{"verdict", "doubled", "hooked"}},
		{"b", []string{"d", "c", "b"}, []string{"b", "c", "d"}},
		{"", []string{"abc", "a"}, []string{"a", "abc"}},
		{"x", nil, nil},
	} {
		if diff := cmp.Diff(tt.want, nearest(tt.sought, tt.names)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.sought, diff)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 2}, {strings.Repeat("a", 4<<10), strings.Repeat("a", 600), 0}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%.10s to %.10s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
