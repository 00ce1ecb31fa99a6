package sys

import "testing"

// layout is what the C compiler says about a struct's size or a field's offset.
type layout struct {
	name      string
	got, want uintptr
}

func TestLayoutMatchesKernelHeaders(t *testing.T) {
	if len(layouts) == 0 {
		t.Fatal("no layouts generated")
	}
	for _, l := range layouts {
		if l.got != l.want {
			t.Errorf("%s: %d in Go, %d in C", l.name, l.got, l.want)
		}
	}
}
