package maps

import "testing"

// TestPutWants32BitKeys: an index is no key of another size.
func TestPutWants32BitKeys(t *testing.T) {
	outer := &Map{name: "outer", typ: HashOfMaps, keySize: 8, valueSize: 4}
	err := outer.PutMap(1, &Map{})
	if err == nil || err.Error() != "map outer: update: keys have 8 bytes, an index has 4" {
		t.Errorf("got %v", err)
	}
}
