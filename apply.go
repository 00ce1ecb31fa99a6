package skep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/skepbpf/skep/btf/handle"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
	"github.com/skepbpf/skep/token"
)

// Options of a load. A nil *Options is the default.
type Options struct {
	// Facts in place of those of the running kernel; only Load reads it.
	Facts *Facts
	// Config gives values of CONFIG_ externs in place of, or before, the running
	// kernel's own; only Load without Facts reads it. May be nil.
	Config *Config
	// Maps to use in place of the Spec's own, by name. They stay the
	// caller's; the Collection holds a duplicate. They are not checked
	// against the Spec, and not filled.
	Maps map[string]*maps.Map
	// PinDir is where maps pinned by name are: a directory on a bpffs, which is
	// made if it is missing. Empty is maps.DefaultPinDir.
	PinDir string
	// Parallel bounds how many programs are verified, and large maps created, at
	// once: 0 is the number of CPUs that Go uses, 1 takes them one after the other.
	Parallel int
	// Features that are known already; shared between loads, nothing is asked
	// twice.
	Features *Features
	// Token delegates the rights to load, in a user namespace; it stays the
	// caller's. nil is a token of the bpffs that the environment variable
	// LIBBPF_BPF_TOKEN_PATH names, and none without it. Features are then those
	// that the token lets one see. Requires Linux 6.9.
	Token *token.Token
	// Edit, if not nil, may change what is sent to the kernel: it is called with
	// a copy of each program, resolved and linked, before it is loaded. Calls come from
	// many goroutines at once. An error is one of the program.
	Edit func(*prog.Spec) error
	// LogLevel of the verifier for programs that load (1, 2, and 4 for
	// statistics only). A program that is rejected is always explained.
	LogLevel uint32

	pins pinner // of an Upgrade
}

// tokenVariable is the environment variable that libbpf reads, too.
const tokenVariable = "LIBBPF_BPF_TOKEN_PATH"

// token is that of the options, or a new one for the environment's.
func (o *Options) token() (*token.Token, error) {
	if o.Token != nil {
		return o.Token, nil
	}
	path := os.Getenv(tokenVariable)
	if path == "" {
		return nil, nil
	}
	t, err := token.Create(path)
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", tokenVariable, err)
	}
	return t, nil
}

// Load plans s for the running kernel and applies the plan.
func Load(s *Spec, o *Options) (*Collection, error) {
	return load(func() error { return nil }, s, o)
}

// LoadContext is Load that ends early when ctx does: between system calls. A
// verification that runs is waited for.
func LoadContext(ctx context.Context, s *Spec, o *Options) (*Collection, error) {
	return load(ctx.Err, s, o)
}

// load loads until stop gives an error. It is given no context: the type of
// context.Background keeps that of a deadline in every program, and with it
// the formatting of times and zones, 75 KB.
func load(stop func() error, s *Spec, o *Options) (*Collection, error) {
	if o == nil {
		o = &Options{}
	}
	if err := stop(); err != nil {
		return nil, &StepError{Object: s.Name, Step: "facts", Err: err}
	}
	t, err := o.token()
	if err != nil {
		return nil, &StepError{Object: s.Name, Step: "token", Err: err}
	}
	given := o.Token
	if t != given {
		defer t.Close()
		withToken := *o
		withToken.Token, o = t, &withToken
	}
	facts, err := o.facts(s.Needs())
	if err != nil {
		return nil, &StepError{Object: s.Name, Step: "facts", Err: err}
	}
	plan, err := s.Plan(facts)
	if o.Facts == nil {
		// To unmap the kernel's BTF takes as long as to create a map: it is
		// done beside the load, which waits for it.
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			_ = facts.Close()
		}()
		defer func() { <-closed }()
	}
	if err != nil {
		return nil, err
	}
	plan.forget()
	coll, err := plan.apply(stop, o)
	if coll != nil {
		coll.opts.Token = given
	}
	return coll, err
}

// facts are those of the options, or read; with the pins that an Upgrade needs.
func (o *Options) facts(needs Needs) (facts *Facts, err error) {
	if facts = o.Facts; facts == nil {
		facts, err = readFacts(needs, &FactOptions{Features: o.Features, Config: o.Config, Token: o.Token}, kernel.FS("/"))
	}
	if err != nil || o.pins == nil {
		return facts, err
	}
	all, err := o.pins.facts(facts, needs)
	if err != nil && o.Facts == nil {
		_ = facts.Close()
	}
	return all, err
}

// Apply creates the plan's maps and loads its programs. On an error, all that
// it made is gone again.
func (p *Plan) Apply(ctx context.Context, o *Options) (*Collection, error) {
	return p.apply(ctx.Err, o)
}

func (p *Plan) apply(stop func() error, o *Options) (*Collection, error) {
	prep, err := p.prepare(stop, o)
	if err != nil {
		return nil, err
	}
	return prep.load(stop)
}

// Prepared is a plan whose maps exist and whose programs do not yet: the
// moment to fill maps that programs must find filled.
type Prepared struct {
	// Maps by name. They are the Prepared's, and the Collection's after Load.
	Maps map[string]*maps.Map
	// Arenas are the contents of the arenas among Maps, owned like them.
	Arenas map[string]*maps.Memory

	plan     *Plan
	opts     Options
	features *Features
	token    *token.Token
	ownToken bool
	btf      *handle.Handle
	noBTF    error // why there is none
	done     bool  // loaded or closed

	mu     sync.Mutex // of what maps and programs that come into being at the same time share
	report *Report
	undo   undo
}

// undo takes back, last first, what a load did.
type undo []func() error

// add is not inlined: each copy could grow the slice.
//
//go:noinline
func (u *undo) add(f func() error) { *u = append(*u, f) }

func (u *undo) run() error {
	var errs []error
	for i := len(*u) - 1; i >= 0; i-- {
		if err := (*u)[i](); err != nil {
			errs = append(errs, err)
		}
	}
	*u = nil
	return mkerr.Join(errs...)
}

// Prepare creates the maps of a plan: loads the object's BTF, creates maps,
// inner ones first, fills and freezes data sections. Close it, or Load it.
func (p *Plan) Prepare(ctx context.Context, o *Options) (*Prepared, error) {
	return p.prepare(ctx.Err, o)
}

func (p *Plan) prepare(stop func() error, o *Options) (*Prepared, error) {
	if o == nil {
		o = &Options{}
	}
	prep := &Prepared{Maps: map[string]*maps.Map{}, Arenas: map[string]*maps.Memory{}, plan: p, opts: *o, features: o.Features}
	if prep.features == nil {
		prep.features = new(Features)
	}
	prep.report = newReport(p)
	if o.pins != nil {
		var err error
		if prep.report.Pins, err = o.pins.decide(p, o.Maps); err != nil {
			return nil, prep.fail("pins", "", err)
		}
	}
	t, err := o.token()
	if err != nil {
		return nil, prep.fail("token", "", err)
	}
	if prep.token = t; t != o.Token {
		prep.undo.add(t.Close)
		prep.ownToken = true
	}
	if err := prep.create(stop); err != nil {
		// What the load itself returns says more than a failing Close.
		_ = prep.undo.run()
		return nil, err
	}
	return prep, nil
}

// fail is not inlined for the size of programs.
//
//go:noinline
func (p *Prepared) fail(step, name string, err error) error {
	return &StepError{Object: p.plan.object, Step: step, Name: name, Err: err}
}

func (p *Prepared) create(stop func() error) error {
	if err := stop(); err != nil {
		return p.fail("btf", "", err)
	}
	// The kernel would take the maps and programs, and they would read each
	// other's data the wrong way round.
	if o := p.plan.order; foreign(o) {
		return p.fail("btf", "", mkerr.Errorf("the object is %v, this machine is not", o))
	}
	if err := p.checkGiven(); err != nil {
		return err
	}
	p.loadBTF()
	if err := p.createMaps(stop); err != nil {
		return err
	}
	for _, m := range p.plan.maps {
		if err := stop(); err != nil {
			return p.fail("slots", m.name, mkerr.WrapNamed("map %s: %w", m.name, err))
		}
		if err := p.fillSlots(m); err != nil {
			return p.fail("slots", m.name, err)
		}
	}
	return nil
}

// checkGiven refuses maps of the caller that stand for none of the plan's: a
// typing error would otherwise go unnoticed.
func (p *Prepared) checkGiven() error {
	have := make(map[string]bool, len(p.plan.maps))
	for _, m := range p.plan.maps {
		have[m.name] = true
	}
	given := keys(p.opts.Maps)
	bin.SortStrings(given)
	for _, name := range given {
		if !have[name] {
			return p.fail("map", name, notFound("map", name, keys(have)))
		}
	}
	return nil
}

// loadBTF uploads the object's types, once for all maps and programs. An
// object that the kernel takes no BTF of loads without, as far as that goes.
func (p *Prepared) loadBTF() {
	if p.plan.types == nil {
		return
	}
	h, err := handle.Load(p.plan.types, &handle.Options{Features: p.features, Token: p.token.TokenFD()})
	if err != nil {
		p.report.Degraded = append(p.report.Degraded, fmt.Sprintf("BTF of the object: left out: %v", err))
		p.noBTF = err
		return
	}
	p.btf = h
	for _, d := range h.Without() {
		p.report.Degraded = append(p.report.Degraded, "BTF of the object: "+d)
	}
	p.undo.add(h.Close)
}

// forWantOfBTF says of an error that the object's types may have been missed.
func (p *Prepared) forWantOfBTF(err error) error {
	if p.noBTF == nil {
		return err
	}
	return mkerr.Errorf("%w; the object's BTF was left out: %w", err, p.noBTF)
}

// Close gives up: the maps are closed, and unpinned if this Prepared pinned
// them. After Load it does nothing.
func (p *Prepared) Close() error {
	p.done = true
	return p.undo.run()
}

var errDone = errors.New("the prepared plan was loaded or closed before")

// Load loads the programs. It takes the maps over, also when it fails: then
// they are closed.
func (p *Prepared) Load(ctx context.Context) (*Collection, error) { return p.load(ctx.Err) }

func (p *Prepared) load(stop func() error) (*Collection, error) {
	if p.done {
		return nil, p.fail("program", "", errDone)
	}
	p.done = true
	coll := &Collection{
		Maps:     p.Maps,
		Arenas:   p.Arenas,
		Programs: map[string]*prog.Program{},
		plan:     p.plan,
		report:   p.report,
		opts:     p.opts,
		features: p.features,
	}
	l := &loader{Prepared: p, coll: coll}
	l.openModules()
	err := l.programs(stop, p.parallel())
	if err == nil {
		err = l.slots(stop)
	}
	if err != nil {
		_ = p.undo.run()
		return nil, err
	}
	if p.ownToken {
		_ = p.token.Close()
	}
	// The kernel keeps the BTF for as long as a map or program refers to it.
	if p.btf != nil {
		_ = p.btf.Close()
	}
	for _, h := range l.modules {
		_ = h.Close()
	}
	p.undo, p.Maps, p.Arenas = nil, nil, nil
	return coll, nil
}

func (p *Prepared) parallel() int {
	if p.opts.Parallel > 0 {
		return p.opts.Parallel
	}
	return runtime.GOMAXPROCS(0)
}
