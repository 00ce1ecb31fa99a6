package compat

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing/fstest"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// rootWith is the machine's file system with some files replaced.
type rootWith struct {
	fs.FS
	files fstest.MapFS
}

func (r rootWith) Open(name string) (fs.File, error) {
	if _, ok := r.files[name]; ok {
		return r.files.Open(name)
	}
	return r.FS.Open(name)
}

// skep runs the claim with this library.
func (c *claim) skep() (*outcome, error) {
	spec, config, err := c.spec()
	if err != nil {
		return nil, err
	}
	fo := &skep.FactOptions{Config: config}
	if c.symbols != "" {
		fo.Root = rootWith{os.DirFS("/"), fstest.MapFS{"proc/kallsyms": {Data: []byte(c.symbols)}}}
	}
	if c.types != "" {
		types, err := os.ReadFile(c.typesPath())
		if err != nil {
			return nil, err
		}
		fo.BTF = btf.NewKernel(fstest.MapFS{"sys/kernel/btf/vmlinux": {Data: types}})
		defer fo.BTF.Close()
	}
	facts, err := skep.ReadFacts(spec.Needs(), fo)
	if err != nil {
		return nil, err
	}
	defer facts.Close()
	coll, err := skep.Load(spec, &skep.Options{Facts: facts})
	if err != nil {
		return nil, err
	}
	o := &outcome{OK: true, PID: uint32(os.Getpid()), Vars: map[string]string{}}
	for _, s := range c.steps {
		n, err := c.step(coll, s)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", s, err), coll.Close())
		}
		o.Returns = append(o.Returns, n)
	}
	for name, m := range coll.Maps {
		if m.Type() == maps.Array && strings.HasPrefix(name, ".") {
			b, err := m.LookupBytes(make([]byte, 4))
			if err != nil {
				return nil, errors.Join(err, coll.Close())
			}
			o.Vars[name] = hex.EncodeToString(b)
		}
	}
	return o, coll.Close()
}

// spec is the object with the row's options.
func (c *claim) spec() (*skep.Spec, *skep.Config, error) {
	spec, err := skep.Open(c.path())
	if err != nil {
		return nil, nil, err
	}
	for _, m := range spec.Maps {
		m.Pinning = maps.NotPinned
	}
	var config *skep.Config
	var only []string
	for _, opt := range c.options {
		key, value, _ := strings.Cut(opt, "=")
		switch {
		case opt[0] == '+':
			only = append(only, opt[1:])
		case key == "on":
			spec.Maps[value].Off = false
		case key == "off":
			spec.Maps[value].Off = true
		case key == "kconfig":
			config = &skep.Config{Text: []byte(value)}
		default:
			return nil, nil, fmt.Errorf("no such option: %s", opt)
		}
	}
	if only != nil {
		err = spec.Only(only...)
	}
	if c.hand != nil {
		c.hand(spec)
	}
	return spec, config, err
}

// step is one step of the row.
func (c *claim) step(coll *skep.Collection, text string) (uint32, error) {
	part := append(strings.SplitN(text, ":", 3), "", "")
	kind, name, arg := part[0], part[1], part[2]
	run := func(o *prog.RunOptions) (uint32, error) {
		p, err := coll.Program(name)
		if err != nil {
			return 0, err
		}
		r, err := p.Run(o)
		if err != nil {
			return 0, err
		}
		return r.Return, nil
	}
	packet := func() (uint32, error) { return run(&prog.RunOptions{Data: make([]byte, bytesOf(arg))}) }
	switch kind {
	case "packet":
		return packet()
	case "until":
		return patient(packet)
	case "ctx":
		ctx, err := hex.DecodeString(arg)
		if err != nil {
			return 0, err
		}
		return run(&prog.RunOptions{Ctx: ctx})
	case "none":
		if coll.Programs[name] == nil {
			return 1, nil
		}
		return 0, nil
	case "attach":
		return 0, attached(coll, name)
	case "congest":
		return congested(coll, name)
	}
	return 0, fmt.Errorf("no such step")
}

// attached attaches one program for the length of a system call.
func attached(coll *skep.Collection, name string) error {
	var others []string
	for n := range coll.Programs {
		if n != name {
			others = append(others, n)
		}
	}
	links, err := coll.Attach(&skep.AttachOptions{Skip: others})
	if err != nil {
		return err
	}
	if links.ByProgram[name] == nil {
		return errors.Join(fmt.Errorf("not attached: %w", links.Skipped[name]), links.Close())
	}
	os.Getppid()
	return links.Close()
}

// congested attaches the object's struct_ops and makes a TCP connection whose
// client uses one; it gives the errno of asking for it.
func congested(coll *skep.Collection, name string) (uint32, error) {
	links, err := coll.Attach(nil)
	if err != nil {
		return 0, err
	}
	err = connect(name)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return uint32(errno), links.Close()
	}
	return 0, errors.Join(err, links.Close())
}

func connect(congestion string) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	var set error
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			set = syscall.SetsockoptString(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CONGESTION, congestion)
		})
	}}
	c, err := d.Dial("tcp4", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if set != nil {
		return set
	}
	s, err := l.Accept()
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := c.Write(make([]byte, 1<<15)); err != nil {
		return err
	}
	_, err = s.Read(make([]byte, 1<<12))
	return err
}
