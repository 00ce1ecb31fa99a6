package tree

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

func TestFrom(t *testing.T) {
	r := From(fstest.MapFS{"a/b": {Data: []byte("text")}, "a/c": {}})
	names, err := r.Names("a")
	if err != nil || !slices.Equal(names, []string{"b", "c"}) {
		t.Errorf("names %q, %v", names, err)
	}
	f, err := r.Open("a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := r.Open("d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := r.Names("d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent directory: %v", err)
	}
}
