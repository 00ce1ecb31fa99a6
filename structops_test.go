package skep_test

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/link"
)

// needStructOps skips where the kernel has no struct_ops: they are called
// through trampolines, which the JIT compiler makes.
func needStructOps(t *testing.T) {
	t.Helper()
	testutil.NeedRoot(t)
	testutil.Require(t, "5.6", "CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF")
	if runtime.GOARCH != "amd64" {
		testutil.Require(t, "6.3") // arm64 6.0, riscv64 and s390x 6.3
	}
}

// congest opens a TCP connection over loopback whose client uses a congestion
// control of that name, and sends some data.
func congest(t *testing.T, name string) error {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var set error
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			set = setCongestion(fd, name)
		})
	}}
	c, err := d.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if set != nil {
		return set
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	go c.Write(make([]byte, 1<<16))
	if _, err := s.Read(make([]byte, 1<<12)); err != nil {
		t.Fatal(err)
	}
	return nil
}

func number(t *testing.T, c *skep.Collection, name string) uint64 {
	t.Helper()
	var n uint64
	if err := c.Get(name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func loadOps(t *testing.T, s *skep.Spec) *skep.Collection {
	t.Helper()
	c, err := skep.Load(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestStructOps(t *testing.T) {
	needStructOps(t)
	s := open(t, native("structops"))
	o, err := s.StructOps("skep_cc")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.Set("name", "skep_renamed"), o.SetProgram("init", "skep_other_init")); err != nil {
		t.Fatal(err)
	}
	c := loadOps(t, s)
	if err := congest(t, "skep_renamed"); !errors.Is(err, syscall.ENOENT) {
		t.Fatalf("before it is attached: %v", err)
	}
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := congest(t, "skep_renamed"); err != nil {
		t.Fatal(err)
	}
	if n := number(t, c, "inits"); n < 1000 || n%1000 != 0 {
		t.Errorf("init ran %d times: not the program that was set", n)
	}
	if number(t, c, "avoids") == 0 {
		t.Error("cong_avoid did not run")
	}
	in, err := links.ByMap["skep_cc"].Info()
	if err != nil || in.Form != link.FormMapUpdate {
		t.Errorf("info %+v, %v", in, err)
	}
	if err := links.Close(); err != nil {
		t.Fatal(err)
	}
	if err := congest(t, "skep_renamed"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("after it was closed: %v", err)
	}
}

// A struct that is newer than the kernel loads if what is missing is zero, and
// a program that the kernel has no place for is left out.
func TestStructOpsOfTheFuture(t *testing.T) {
	needStructOps(t)
	s := open(t, native("structops"))
	s.Maps["skep_cc"].Off = true
	s.Maps["skep_later"].Off = false
	c := loadOps(t, s)
	if _, err := c.Program("skep_future"); err == nil || !strings.Contains(err.Error(), "tcp_congestion_ops.future_call") {
		t.Errorf("skep_future: %v", err)
	}
	if _, err := c.Program("skep_init"); !errors.Is(err, skep.ErrOff) {
		t.Errorf("skep_init: %v", err)
	}
	links, err := c.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer links.Close()
	if err := congest(t, "skep_later"); err != nil {
		t.Fatal(err)
	}
	if number(t, c, "avoids") == 0 {
		t.Error("cong_avoid did not run")
	}
}

func TestStructOpsLink(t *testing.T) {
	testutil.Require(t, "6.4")
	needStructOps(t)
	c := loadOps(t, open(t, native("structops_link")))
	l, err := c.AttachStructOps("first")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := congest(t, "skep_link"); err != nil {
		t.Fatal(err)
	}
	if err := c.UpdateStructOps(l, "second"); err != nil {
		t.Fatal(err)
	}
	before := number(t, c, "first_inits")
	if err := congest(t, "skep_link"); err != nil {
		t.Fatal(err)
	}
	if number(t, c, "second_inits") == 0 || number(t, c, "first_inits") != before || before == 0 {
		t.Errorf("init of the first ran %d, then %d times, of the second %d", before, number(t, c, "first_inits"), number(t, c, "second_inits"))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := congest(t, "skep_link"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("after it was closed: %v", err)
	}
}

func TestStructOpsUnknown(t *testing.T) {
	testutil.Require(t, "", "CONFIG_DEBUG_INFO_BTF")
	testutil.NeedRoot(t)
	s := open(t, native("structops"))
	s.Maps["skep_cc"].Off = true
	s.Maps["skep_unknown"].Off = false
	c, err := skep.Load(s, nil)
	if err == nil {
		c.Close()
	}
	var se *skep.StepError
	if !errors.As(err, &se) || se.Name != "skep_unknown" || !strings.Contains(err.Error(), "bpf_struct_ops_no_such_ops") {
		t.Errorf("got %v", err)
	}
}

func TestStructOpsEdit(t *testing.T) {
	s := open(t, native("structops"))
	if _, err := s.StructOps("inits"); err == nil || !slices.Contains(notFoundHave(err), "skep_cc") {
		t.Errorf("no such map: %v", err)
	}
	o, err := s.StructOps("skep_cc")
	if err != nil {
		t.Fatal(err)
	}
	var flags uint32
	var name [16]byte
	if err := errors.Join(o.Set("flags", uint32(7)), o.Get("flags", &flags), o.Get("name", &name)); err != nil {
		t.Fatal(err)
	}
	if flags != 7 || string(name[:8]) != "skep_cc\x00" {
		t.Errorf("flags %d, name %q", flags, name)
	}
	if err := o.Set("name", "0123456789abcde"); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		`map skep_cc: member flag: struct tcp_congestion_ops has no member "flag"`:                                   o.Set("flag", 1),
		"map skep_cc: member init: a pointer to a function: see SetProgram":                                          o.Set("init", 1),
		"map skep_cc: member flags: no pointer to a function":                                                        o.SetProgram("flags", "skep_init"),
		"map skep_cc: member name: 16 characters and a NUL do not fit 16 bytes":                                      o.Set("name", "0123456789abcdef"),
		"map skep_cc: no program nobody: have " + strings.Join(slices.Sorted(slices.Values(s.ProgramNames())), ", "): o.SetProgram("init", "nobody"),
	} {
		if err == nil || err.Error() != what {
			t.Errorf("got %v\nwant %s", err, what)
		}
	}
	if p, err := o.Program("init"); err != nil || p != "skep_init" {
		t.Errorf("init is %q, %v", p, err)
	}
	if err := o.SetProgram("init", ""); err != nil {
		t.Fatal(err)
	}
	if p, err := o.Program("init"); err != nil || p != "" {
		t.Errorf("init is %q, %v", p, err)
	}
}

func notFoundHave(err error) []string {
	var nf *skep.NotFoundError
	if errors.As(err, &nf) {
		return nf.Have
	}
	return nil
}
