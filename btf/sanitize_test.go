package btf

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/skepbpf/skep/internal/feature"
)

func TestSanitize(t *testing.T) {
	for _, tt := range []struct {
		missing feature.ID
		want    []string
	}{
		{feature.BTFDatasec, []string{
			`[15] int "v" size=1 to=0 flag=false: v 0/8/0`,
			`[16] struct "__data" size=16 to=0 flag=false: struct __data {v 15 64 0}`,
		}},
		{feature.BTFQmarkDatasec, []string{`[16] datasec "_.data" size=16 to=0 flag=false: section _.data {15 8 4}`}},
		{feature.BTFFunc, []string{
			`[13] enum "" size=4 to=0 flag=false: enum (anon) ctx=3 =0`,
			`[14] typedef "fn" size=0 to=13 flag=false: fn`,
		}},
		{feature.BTFGlobalFunc, []string{`[14] func "fn" size=0 to=13 flag=false: int fn(int *, ...) linkage=0`}},
		{feature.BTFFloat, []string{`[17] struct "" size=8 to=0 flag=false: struct (anon)`}},
		{feature.BTFDeclTag, []string{`[18] int "tag" size=1 to=0 flag=false: tag 0/8/0`}},
		{feature.BTFTypeTag, []string{`[19] const "" size=0 to=1 flag=false: const int`}},
		{feature.BTFEnum64, []string{
			`[7] enum "e" size=4 to=0 flag=false: enum e NEG=4294967295 POS=7`,
			`[20] union "e64" size=8 to=0 flag=false: union e64 {BIG 22 0 0} {LOW 22 0 0}`,
			`[21] union "u64e" size=8 to=0 flag=false: union u64e {MAX 22 0 0}`,
			`[22] int "enum64_placeholder" size=1 to=0 flag=false: enum64_placeholder 0/8/0`,
		}},
		{feature.BTFLayout, nil},
	} {
		for _, order := range orders {
			s := everyKind(order).spec(t)
			var f feature.Set
			f.Learn(tt.missing, feature.No)
			if diff := cmp.Diff(tt.want, changed(s, Sanitize(s, &f))); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.missing, diff)
			}
		}
	}
}

func TestSanitizeNothing(t *testing.T) {
	s := everyKind(binary.LittleEndian).spec(t)
	if Sanitize(s, nil) != s || Sanitize(s, &feature.Set{}) != s {
		t.Error("a kernel of which nothing is known gets another form")
	}
	b := newBuilder(binary.LittleEndian)
	b.int("int", 4, IntSigned)
	var f feature.Set
	for id := range feature.Count {
		f.Learn(id, feature.No)
	}
	if s := b.spec(t); Sanitize(s, &f) != s {
		t.Error("plain types get another form")
	}
}

func TestSanitizeStripsLayout(t *testing.T) {
	for _, order := range orders {
		b := everyKind(order)
		s, err := Parse(b.blob(nil, make([]byte, 4*int(kindCount))))
		if err != nil {
			t.Fatal(err)
		}
		var f feature.Set
		f.Learn(feature.BTFLayout, feature.No)
		if got := Sanitize(s, &f).Bytes(); !bytes.Equal(got[32:], b.bytes()[24:]) || !bytes.Equal(got[24:32], make([]byte, 8)) {
			t.Errorf("%v: layout is still there", order)
		}
	}
}
