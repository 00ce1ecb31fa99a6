package btf

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/skepbpf/skep/internal/testutil"
)

// visitSum is the checksum that bench has of a visit of all types: kinds, names,
// and names, types and offsets of members. Declaration tags are left out, and
// both kinds of enum count as one.
type visitSum uint64

func (v *visitSum) add(word uint64) { *v = *v*31 + visitSum(word) }

func (v *visitSum) typ(kind Kind, name string) bool {
	switch kind {
	case KindDeclTag, KindVoid:
		return false
	case KindEnum64:
		kind = KindEnum
	}
	v.add(uint64(kind) + mixName(name))
	return compound.has(kind)
}

func (v *visitSum) member(name string, typ ID, offset uint32) {
	v.add(mixName(name) + uint64(typ) + uint64(offset))
}

func mixName(s string) uint64 {
	if s == "" {
		return 0
	}
	return uint64(len(s)) + 3*uint64(s[0]) + 7*uint64(s[len(s)-1])
}

func visit(s *Spec) visitSum {
	var v visitSum
	for t := range s.All() {
		if !v.typ(t.Kind(), t.Name()) {
			continue
		}
		for i := range t.Vlen() {
			m := t.Member(i)
			v.member(m.Name, m.Type, m.Offset)
		}
	}
	return v
}

// oracleSum is the same of what bpftool printed.
func oracleSum(t *testing.T, types []oracleType) visitSum {
	byName := make(map[string]Kind)
	for k := range kindCount {
		byName[strings.ToUpper(k.String())] = k
	}
	var v visitSum
	for i := range types {
		o := &types[i]
		kind, ok := byName[o.Kind]
		if !ok {
			t.Fatalf("type %d: kind %s", o.ID, o.Kind)
		}
		if !v.typ(kind, unanon(o.Name)) {
			continue
		}
		for _, m := range o.Members {
			v.member(unanon(m.Name), m.Type, m.Bit)
		}
	}
	return v
}

// TestVisitAllocates: all types, members and names cost what their bytes and
// strings do, however the kernel's BTF was opened.
func TestVisitAllocates(t *testing.T) {
	testutil.Require(t, "5.4", "CONFIG_DEBUG_INFO_BTF")
	root := os.DirFS("/")
	st, err := os.Stat("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	sums := make(map[visitSum]bool)
	for name, open := range map[string]func() *Kernel{
		"mapped": func() *Kernel { return NewKernel(mapFS{root}) },
		"read":   func() *Kernel { return NewKernel(root) },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		k := open()
		s, err := k.Vmlinux()
		if err != nil {
			t.Fatal(err)
		}
		sums[visit(s)] = true
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		allocs, bytes := after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
		t.Logf("%s: %d types, %d allocations of %d bytes", name, s.Len()-1, allocs, bytes)
		if limit := 2 * uint64(st.Size()); allocs > 2000 || bytes > limit {
			t.Errorf("%s: %d allocations of %d bytes, want at most 2000 of %d", name, allocs, bytes, limit)
		}
	}
	if len(sums) != 1 {
		t.Errorf("the two differ: %v", sums)
	}
}
