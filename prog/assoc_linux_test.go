package prog_test

import (
	"errors"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/prog"
)

func TestAssocStructOps(t *testing.T) {
	needKernel(t)
	testutil.Require(t, "6.3", "CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF")
	noLeak(t)
	spec, err := skep.Open("../testdata/structops_link.el.o")
	if err != nil {
		t.Fatal(err)
	}
	coll, err := skep.Load(spec, nil)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	first, err := coll.Map("first")
	if err != nil {
		t.Fatal(err)
	}
	second, err := coll.Map("second")
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, &prog.Spec{Name: "user", Type: prog.XDP, License: "GPL", Insns: ret(2)}, nil)
	err = p.AssocStructOps(first)
	if !testutil.KernelAtLeast(t, "7.0") {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("on an older kernel: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AssocStructOps(first); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := p.AssocStructOps(second); !errors.Is(err, sys.EBUSY) {
		t.Errorf("another: %v", err)
	}
	if err := p.AssocStructOps(newMap(t)); !errors.Is(err, sys.EINVAL) {
		t.Errorf("an array: %v", err)
	}
}
