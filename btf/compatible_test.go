package btf

import (
	"encoding/binary"
	"testing"
)

func TestCompatible(t *testing.T) {
	l := everyKind(binary.LittleEndian).spec(t)
	b := newBuilder(binary.BigEndian)
	i := b.int("u64", 8, 0)
	p := b.ptr(b.ref(KindConst, "", i))
	same := b.proto(i, fld{"other", p, 0, 0}, fld{"", 0, 0, 0})
	other := b.proto(i, fld{"other", i, 0, 0}, fld{"", 0, 0, 0})
	st := b.strct("z", 4)
	k := b.spec(t)
	for _, tt := range []struct {
		l, t ID
		want bool
	}{
		{1, i, true}, {3, p, true}, {13, same, true}, {13, other, false}, {5, st, true}, {9, st, true},
		{1, p, false}, {0, 0, true}, {1, 99, false}, {99, i, false},
	} {
		if got := Compatible(l, tt.l, k, tt.t); got != tt.want {
			t.Errorf("%d and %d: %v", tt.l, tt.t, got)
		}
	}
	if Compatible(nil, 1, k, 1) || Compatible(l, 1, nil, 1) {
		t.Error("nil is compatible")
	}
}

func TestDescribe(t *testing.T) {
	s := everyKind(binary.LittleEndian).spec(t)
	for want, c := range map[string]CORERelo{
		"byte_off struct s.p":         {COREFieldByteOffset, 5, "0:1"},
		"field_exists union u.y[3]":   {COREFieldExists, 6, "0:1:3"},
		"byte_off t[2].a":             {COREFieldByteOffset, 9, "2:0"},
		"enumval_value enum e64::LOW": {COREEnumvalValue, 20, "1"},
		"type_size struct s":          {CORETypeSize, 5, "0"},
		"type_size 0:x":               {CORETypeSize, 5, "0:x"},
	} {
		if got := c.Describe(s); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
