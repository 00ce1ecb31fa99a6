package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFunctions(t *testing.T) {
	k := NewKernel(fakeKernel(t))
	defer k.Close()
	begin := func(p string) func([]byte) bool {
		return func(n []byte) bool { return bytes.HasPrefix(n, []byte(p)) }
	}
	for _, tt := range []struct {
		module, prefix string
		want           []string
	}{
		{"", "fn4", []string{"fn4", "fn40", "fn41", "fn42", "fn43", "fn44", "fn45", "fn46", "fn47", "fn48", "fn49"}},
		{"vmlinux", "bpf_", []string{"bpf_lsm_open"}},
		{"", "task_struct", nil},
		{"", "nfs_fn", nil}, // of a module
		{"nfs", "", []string{"nfs_fn"}},
		{"ext4", "nfs", nil},
	} {
		list, err := k.Functions(tt.module, begin(tt.prefix))
		var names []string
		for _, f := range list {
			names = append(names, f.Name())
		}
		if diff := cmp.Diff(tt.want, names); diff != "" || err != nil {
			t.Errorf("%s:%s: %v\n%s", tt.module, tt.prefix, err, diff)
		}
	}
	if _, err := k.Functions("none", begin("")); !errors.Is(err, ErrNoModule) {
		t.Errorf("no such module: %v", err)
	}
	var broken ModuleError
	if _, err := k.Functions("broken", begin("")); !errors.As(err, &broken) {
		t.Errorf("broken module: %v", err)
	}
	k.Close()
	if _, err := k.Functions("", begin("")); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestModuleTarget: a target in a module opens that module alone, and says which
// of module and function there is not.
func TestModuleTarget(t *testing.T) {
	opened := map[string]int{}
	k := NewKernel(countFS{fakeKernel(t), opened})
	defer k.Close()
	for _, tt := range []struct {
		name     string
		want     string
		noModule bool
	}{
		{"nfs:nfs_fn", "", false},
		{"vmlinux:fn1", "", false},
		{"nfs:fn1", "func fn1: not found in kernel BTF of module nfs; vmlinux has fn1", false},
		{"nfs:ext4_fn", "func ext4_fn: not found in kernel BTF of module nfs", false},
		{"nf:nfs_fn", "module nf is not loaded, or has no BTF", true}, // not the first that begins so
		{"none:fn2", "module none is not loaded, or has no BTF; vmlinux has fn2", true},
		{"vmlinux:nfs_fn", "func nfs_fn: not found in kernel BTF of module vmlinux", false},
	} {
		_, _, err := k.Target("", tt.name)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if !errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoModule) != tt.noModule || err.Error() != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if opened["sys/kernel/btf/ext4"] != 0 || opened["sys/kernel/btf/broken"] != 0 {
		t.Errorf("opened other modules: %v", opened)
	}
	if _, _, err := k.Target("", "broken:x"); err == nil || !strings.HasPrefix(err.Error(), "module broken: ") {
		t.Errorf("broken module: %v", err)
	}
	if mod, typ, err := k.Target("", "ext4_fn"); mod != "ext4" || typ.Name() != "ext4_fn" || err != nil {
		t.Errorf("in any module: %s, %v", mod, err)
	}
}

func TestTraceable(t *testing.T) {
	b := newBuilder(binary.LittleEndian)
	integer := b.int("int", 4, IntSigned)
	small := b.strct("small", 16)
	large := b.strct("large", 17)
	typedef := b.ref(KindTypedef, "large_t", large)
	array := b.array(integer, 4)
	args := func(types ...ID) (list []fld) {
		for _, typ := range types {
			list = append(list, fld{"a", typ, 0, 0})
		}
		return list
	}
	many := func(n int) (list []ID) {
		for range n {
			list = append(list, integer)
		}
		return list
	}
	type row struct {
		name string
		id   ID
		want bool
	}
	var rows []row
	fn := func(name string, want bool, ret ID, types ...ID) {
		rows = append(rows, row{name, b.add(KindFunc, name, 0, uint32(b.proto(ret, args(types...)...))), want})
	}
	fn("none", true, 0)
	fn("plain", true, integer, integer, b.ptr(large))
	fn("small_by_value", true, integer, small)
	fn("large_by_value", false, integer, large)
	fn("large_by_typedef", false, integer, typedef)
	fn("array", false, integer, array)
	fn("variadic", false, integer, integer, 0)
	fn("twelve", true, integer, many(12)...)
	fn("thirteen", false, integer, many(13)...)
	fn("returns_struct", false, small)
	fn("returns_pointer", true, b.ptr(small))
	rows = append(rows, row{"no function", integer, false})
	s := b.spec(t)
	for _, r := range rows {
		typ, ok := s.Type(r.id)
		if !ok || typ.Traceable() != r.want {
			t.Errorf("%s: %v, want %v", r.name, typ.Traceable(), r.want)
		}
	}
	if (Type{}).Traceable() {
		t.Error("nothing is traceable")
	}
}
