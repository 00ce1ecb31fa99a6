package link

import (
	"os"
	"strings"
	"testing"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/testutil"
	"github.com/skepbpf/skep/internal/testutil/fentry"
	"github.com/skepbpf/skep/prog"
)

// trampolineForm is how the kernel here attaches what uses a trampoline:
// LINK_CREATE took such programs only later.
func trampolineForm(t *testing.T) Form {
	if testutil.KernelAtLeast(t, "5.19") {
		return FormLink
	}
	return FormRawTracepoint
}

func TestTrampolines(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.RequireTrampolines(t, fentry.Try)
	for _, tt := range []struct {
		at     prog.AttachType
		typ    prog.Type
		target string
		config string
	}{
		{prog.AttachTraceFentry, prog.Tracing, "vfs_statx", ""},
		{prog.AttachTraceFexit, prog.Tracing, "vfs_statx", ""},
		// Functions that may be overridden are those for error injection and
		// the hooks of security modules (check_attach_modify_return).
		{prog.AttachModifyReturn, prog.Tracing, "security_inode_getattr", "CONFIG_SECURITY"},
		{prog.AttachLSMMAC, prog.LSM, "inode_getattr", "CONFIG_BPF_LSM"},
	} {
		t.Run(tt.at.String(), func(t *testing.T) {
			testutil.Require(t, "", strings.Fields(tt.config)...)
			c := newCounter(t)
			p := counting(t, c, prog.Spec{Type: tt.typ, Attach: tt.at, Target: prog.Target{Name: tt.target}}, 0)
			l, err := AttachTracing(p, TracingOptions{})
			if err != nil {
				t.Fatal(err)
			}
			in := checkInfo(t, l, TypeTracing, trampolineForm(t))
			if d, ok := in.Details.(TracingInfo); !ok || d.Attach != tt.at {
				t.Errorf("details %+v", in.Details)
			}
			fires(t, c, l, stat)
		})
	}
}

// TestModifyReturn shows that the value which a program returns is taken
// instead of the function's, and the function's again after Close. Only this
// process is refused anything.
func TestModifyReturn(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.RequireTrampolines(t, fentry.Try)
	testutil.Require(t, "", "CONFIG_SECURITY")
	dir := t.TempDir()
	try := func() error { return os.Mkdir(dir+"/x", 0o755) }
	target := "security_inode_mkdir"
	if testutil.HasConfig(t, "CONFIG_SECURITY_PATH") {
		target = "security_path_mkdir"
	}
	ins, err := asm.Assemble(
		asm.Call(asm.FnGetCurrentPidTgid),
		asm.Rsh(asm.R0, 32),
		asm.JumpIf(asm.JNe, asm.R0, int32(os.Getpid()), "others"),
		asm.Mov(asm.R0, -13),
		asm.Exit(),
		asm.Label("others"),
		asm.Mov(asm.R0, 0),
		asm.Exit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	k := btf.NewKernelAt(kernel.FS("/"))
	defer k.Close()
	p, err := prog.Load(&prog.Spec{
		Name: "refuse", License: "GPL", Type: prog.Tracing, Attach: prog.AttachModifyReturn, Target: prog.Target{Name: target},
		Insns: ins,
	}, &prog.Options{Kernel: k})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l, err := AttachTracing(p, TracingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = try()
	if e := l.Close(); e != nil {
		t.Error(e)
	}
	if !os.IsPermission(err) {
		t.Errorf("while attached: %v", err)
	}
	if err := try(); err != nil {
		t.Errorf("after close: %v", err)
	}
}

func TestTrampolineCookie(t *testing.T) {
	testutil.NeedRoot(t)
	testutil.RequireTrampolines(t, fentry.Try)
	c := newCounter(t)
	spec := prog.Spec{Type: prog.Tracing, Attach: prog.AttachTraceFentry, Target: prog.Target{Name: "vfs_statx"}}
	l, err := AttachTracing(counting(t, c, spec, 0), TracingOptions{Cookie: 0x5eb})
	if !testutil.KernelAtLeast(t, "5.19") {
		if err == nil {
			l.Close()
			t.Error("a cookie that the kernel cannot keep is accepted")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	checkInfo(t, l, TypeTracing, FormLink)
	fires(t, c, l, stat)
}
