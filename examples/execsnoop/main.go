// Command execsnoop prints each process that starts on the machine, and each
// that ends.
//
//	execsnoop [-count N] [-duration D] [-min D] [-exec] [-btf FILE]
//
// It needs root (CAP_BPF and CAP_PERFMON), Linux 5.8 with BTF, and nothing
// else: no tracefs, no header, no compiler. For a kernel built without BTF,
// -btf takes a file of raw BTF that has its types.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/maps/ringbuf"
)

type options struct {
	count    int
	duration time.Duration
	min      time.Duration
	execOnly bool
	btf      string
}

func main() {
	var o options
	flag.IntVar(&o.count, "count", 0, "end after `N` records")
	flag.DurationVar(&o.duration, "duration", 0, "end after this time")
	flag.DurationVar(&o.min, "min", 0, "leave out the ends of processes that ran for less")
	flag.BoolVar(&o.execOnly, "exec", false, "print starts only")
	flag.StringVar(&o.btf, "btf", "", "`file` of the kernel's BTF, for a kernel without")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			fmt.Fprintln(os.Stderr, "loading BPF programs needs CAP_BPF and CAP_PERFMON: run it as root")
		}
		stop()
		os.Exit(1)
	}
}

// run prints records until ctx ends or o.count of them were printed. Nothing
// stays attached when it returns.
func run(ctx context.Context, w io.Writer, o options) error {
	spec, err := skep.Read(object)
	if err != nil {
		return err
	}
	spec.Name = "execsnoop"
	if err := spec.Set("min_ns", uint64(o.min)); err != nil {
		return err
	}
	if o.execOnly {
		if err := spec.Set("exec_only", uint8(1)); err != nil {
			return err
		}
	}
	load, loaded, err := o.load(spec)
	if err != nil {
		return err
	}
	defer loaded()
	coll, err := skep.LoadContext(ctx, spec, load)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil // ended while it was loading
		}
		return err
	}
	defer coll.Close()
	events, err := coll.Map("events")
	if err != nil {
		return err
	}
	rd, err := ringbuf.NewReader(events)
	if err != nil {
		return err
	}
	defer rd.Close()
	links, err := coll.Attach(nil)
	if err != nil {
		return err
	}
	defer links.Close()
	return printAll(ctx, w, rd, o)
}

// load gives the options of a load, and what to do after it.
func (o *options) load(spec *skep.Spec) (*skep.Options, func(), error) {
	if o.btf == "" {
		return nil, func() {}, nil
	}
	kernel := btf.NewKernel(typesIn(o.btf))
	facts, err := skep.ReadFacts(spec.Needs(), &skep.FactOptions{BTF: kernel})
	if err != nil {
		kernel.Close()
		return nil, nil, err
	}
	return &skep.Options{Facts: facts}, func() { kernel.Close() }, nil
}

// typesIn is a file system that has the kernel's types and nothing else: in
// this file.
type typesIn string

func (file typesIn) Open(name string) (fs.File, error) {
	if name != "sys/kernel/btf/vmlinux" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return os.Open(string(file))
}

func printAll(ctx context.Context, w io.Writer, rd *ringbuf.Reader, o options) error {
	if _, err := fmt.Fprintf(w, "%-15s %-5s %-16s %-8s %-8s %s\n", "TIME", "EVENT", "COMM", "PID", "PPID", "ARGS / EXIT"); err != nil {
		return err
	}
	n := 0
	for rec, err := range rd.Records(ctx) {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := printRecord(w, rec); err != nil {
			return err
		}
		if n++; n == o.count {
			return nil
		}
	}
	return nil
}

func printRecord(w io.Writer, rec ringbuf.Record) error {
	h, err := ringbuf.As[header](rec)
	if err != nil {
		return err
	}
	var kind, text string
	switch h.Kind {
	case kindExec:
		ev, err := ringbuf.As[execEvent](rec)
		if err != nil {
			return err
		}
		kind, text = "exec", ev.argv()
	case kindExit:
		ev, err := ringbuf.As[exitEvent](rec)
		if err != nil {
			return err
		}
		kind, text = "exit", ev.status()
	default:
		return fmt.Errorf("record of unknown kind %d", h.Kind)
	}
	now := time.Now().Format("15:04:05.000000")
	_, err = fmt.Fprintf(w, "%-15s %-5s %-16s %-8d %-8d %s\n", now, kind, cstring(h.Comm[:]), h.PID, h.PPID, text)
	return err
}

// argv joins the arguments with spaces; "..." follows if they were cut.
func (e *execEvent) argv() string {
	args := strings.TrimRight(string(e.Args[:min(int(e.ArgsLen), len(e.Args))]), "\x00")
	args = strings.ReplaceAll(args, "\x00", " ")
	if e.ArgsTotal > e.ArgsLen {
		args += " ..."
	}
	return args
}

// status is the exit code or the signal, and how long the process ran.
func (e *exitEvent) status() string {
	// As wait(2) has it: status << 8, or a signal, with bit 7 if core was dumped.
	text := fmt.Sprintf("code %d", e.ExitCode>>8&0xff)
	if sig := syscall.Signal(e.ExitCode & 0x7f); sig != 0 {
		text = fmt.Sprintf("signal %d (%v)", int(sig), sig)
	}
	if e.Duration > 0 {
		text += fmt.Sprintf(" after %v", time.Duration(e.Duration).Round(time.Microsecond))
	}
	return text
}

func cstring(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
