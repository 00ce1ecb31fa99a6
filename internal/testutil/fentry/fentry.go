// Package fentry tries the smallest fentry program, for
// testutil.RequireTrampolines. It is a package of its own because it loads a
// program, and testutil may not: sealed packages' tests import that.
package fentry

import (
	"fmt"
	"sync"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// Try attaches a program of two instructions to a function of the kernel, and
// gives it up again. It does so once in a process and gives the same answer then.
var Try = sync.OnceValue(try)

func try() error {
	k := btf.NewKernelAt(kernel.FS("/"))
	defer k.Close()
	p, err := prog.Load(&prog.Spec{
		Name: "smallest", License: "GPL", Type: prog.Tracing, Attach: prog.AttachTraceFentry,
		Target: prog.Target{Name: "vfs_read"},
		Insns:  asm.Instructions{asm.Mov(asm.R0, 0), asm.Exit()},
	}, &prog.Options{Kernel: k})
	if err != nil {
		return err
	}
	defer p.Close()
	fd, err := p.ProgFD().Borrow()
	if err != nil {
		return err
	}
	defer p.ProgFD().Release()
	// The oldest way to attach one, by which link.AttachTracing falls back.
	l, err := sys.RawTracepointOpen(&sys.RawTracepointOpenAttr{ProgFd: uint32(fd)})
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	return l.Close()
}
