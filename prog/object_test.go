package prog_test

import (
	"testing"

	"github.com/skepbpf/skep"
)

// loadObject loads an object of the tree's testdata, only these programs of it.
func loadObject(t *testing.T, name string, only ...string) *skep.Collection {
	t.Helper()
	spec, err := skep.Open("../testdata/" + name + ".el.o")
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Only(only...); err != nil {
		t.Fatal(err)
	}
	coll, err := skep.Load(spec, nil)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { _ = coll.Close() })
	return coll
}
