package sys

import (
	"testing"
	"unsafe"
)

// The counts are those of the header the constants come from (Linux 7.3); a
// newer one may only add.
func TestEnumsAreComplete(t *testing.T) {
	for _, e := range []struct {
		name  string
		names []string
		least int
	}{
		{"commands", namesCmd[:], 39},
		{"map types", namesMapType[:], 36},
		{"program types", namesProgType[:], 33},
		{"attach types", namesAttachType[:], 62},
		{"link types", namesLinkType[:], 16},
		{"helpers", namesFuncID[:], 212},
		{"relocation kinds", namesCORERelocKind[:], 13},
	} {
		if len(e.names) < e.least {
			t.Errorf("%d %s, want %d", len(e.names), e.name, e.least)
		}
		for i, n := range e.names {
			if n == "" {
				t.Errorf("%s: no name for %d", e.name, i)
			}
		}
	}
	if got := BPF_MAP_TYPE_RHASH.String() + " " + MapType(9999).String(); got != "BPF_MAP_TYPE_RHASH MapType(9999)" {
		t.Error(got)
	}
	if BPF_TRACE_FSESSION_MULTI != 61 || BPF_COMMON_ATTRS != 1<<16 || BPF_F_RB_OVERWRITE != 1<<19 {
		t.Error("values differ from the kernel's")
	}
}

func TestObjName(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"counts":                 "counts",
		"a-b/c·d":                "a_b_c__d",
		"sixteen_bytes_12":       "sixteen_bytes_1",
		"longer than the kernel": "longer_than_the",
	} {
		name := ObjName(in)
		if got := NameString(name[:]); got != want || name[15] != 0 {
			t.Errorf("ObjName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPointers(t *testing.T) {
	if !BytesPtr(nil).IsNull() || !StringPtr("").IsNull() || !PtrTo[int](nil).IsNull() || !SlicePtr([]uint32{}).IsNull() {
		t.Error("a pointer at nothing is not null")
	}
	if b := unsafe.Slice((*byte)(StringPtr("abc").Raw()), 4); string(b) != "abc\x00" {
		t.Errorf("got %q", b)
	}
	var p Pointer
	if unsafe.Sizeof(p) != 8 {
		t.Errorf("a pointer is %d bytes", unsafe.Sizeof(p))
	}
}
