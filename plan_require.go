package skep

import (
	"strconv"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/step/require"
	"github.com/skepbpf/skep/internal/version"
	"github.com/skepbpf/skep/maps"
	"github.com/skepbpf/skep/prog"
)

// Requirement is something that a kernel must have for a plan to load, or for
// what it loads to be attached.
type Requirement struct {
	// What it is: "helper bpf_ringbuf_reserve", "map type RingBuf".
	What string
	// Since is the release of mainline that brought it, such as "5.8"; "" if
	// that is not known, as of kernel functions. Distributions bring parts to
	// older kernels.
	Since string
	// Config is the option that it takes; "" is none besides CONFIG_BPF_SYSCALL.
	Config string
	// Attach: loading does without.
	Attach bool
	// IfReached: every use is behind a test of the kernel (bpf_core_…_exists,
	// LINUX_KERNEL_VERSION, a weak symbol) that keeps others away from it. What
	// this plan's kernel never reaches is no requirement at all.
	IfReached bool
	// Optional: only programs that may be left out, or that another of their
	// alternatives stands in for, need it.
	Optional bool
	Places   []Place // who needs it, in the plan's order, the first few
	Uses     int     // all places
}

// Place is a map, or an instruction of a program.
type Place struct {
	Map      string
	Program  string
	Function string
	Insn     int    // slot in Function; -1 if it is the program as a whole
	Source   string // "file.c:12", or "" if the object does not say
}

// String is such as "program count, count.c:12".
func (p Place) String() string {
	if p.Map != "" {
		return "map " + p.Map
	}
	s := "program " + p.Program
	switch {
	case p.Insn < 0:
	case p.Source != "":
		s += ", " + p.Source
	default:
		s += ", insn " + strconv.Itoa(p.Insn) + " of " + p.Function
	}
	return s
}

// Requirements of a plan. A helper counts from the release that brought it, not
// from the one in which a program's type could first call it; and what verifiers
// have learned to accept is not among them.
type Requirements struct {
	// All of them, newest first, those of an unknown release before.
	All []Requirement
	// Load is the lowest release of mainline that has all that is neither
	// optional nor to be reached by some kernels alone, Attach the same for
	// attaching too. What is not known of a release does not count: Unknown
	// lists it.
	Load, Attach string
	Unknown      []string
	// Refused are instructions of Required programs that refer to what the
	// plan's kernel does not have, and that its verifier comes to.
	Refused []string
}

// maxPlaces is how many places a Requirement lists.
const maxPlaces = 8

// Requirements gives what a kernel must have, by the instructions and maps of
// this plan.
func (p *Plan) Requirements() *Requirements {
	c := &collector{plan: p}
	for _, m := range p.maps {
		if !m.off && !m.extern {
			c.optional = m.optional
			c.mapNeeds(m.name, &m.spec)
		}
	}
	spare := p.spare()
	for i, pp := range p.programs {
		if pp.err == nil && pp.policy != Off {
			c.optional = pp.policy == Optional || spare[i]
			c.program(pp)
		}
	}
	return c.result()
}

// spare are the members of groups that another member, which older kernels
// have, can stand in for.
func (p *Plan) spare() map[int]bool {
	spare := map[int]bool{}
	for _, g := range p.groups {
		best := -1
		var least version.V
		for _, i := range g {
			if p.programs[i].err != nil {
				continue
			}
			c := &collector{plan: p}
			c.program(p.programs[i])
			if v := release(c.result().Attach); best < 0 || !v.AtLeast(least) {
				best, least = i, v
			}
		}
		for _, i := range g {
			spare[i] = i != best
		}
	}
	return spare
}

// release is zero for "".
func release(s string) version.V {
	v, err := version.Parse(s)
	if err != nil {
		return version.V{}
	}
	return v
}

// collector gathers requirements, each once.
type collector struct {
	plan     *Plan
	optional bool
	all      []*Requirement
	refused  []string
}

// need adds a place to the requirement, whose flags narrow with each.
func (c *collector) need(r Requirement, at Place) {
	if r.Since == "" && r.What == "" {
		return
	}
	r.Optional = c.optional
	for _, old := range c.all {
		if old.What == r.What && old.Since == r.Since && old.Attach == r.Attach {
			old.IfReached = old.IfReached && r.IfReached
			old.Optional = old.Optional && r.Optional
			old.Uses++
			if len(old.Places) < maxPlaces {
				old.Places = append(old.Places, at)
			}
			return
		}
	}
	r.Places, r.Uses = []Place{at}, 1
	c.all = append(c.all, &r)
}

func (c *collector) mapNeeds(name string, s *maps.Spec) {
	at := Place{Map: name}
	add := func(what string, since require.Since, config string) {
		c.need(Requirement{What: what, Since: string(since), Config: config}, at)
	}
	add("map type "+s.Type.String(), require.MapType(uint32(s.Type)), require.MapConfig(uint32(s.Type)))
	for _, f := range require.MapFlags(s.Flags) {
		if f.Name != "BPF_F_MMAPABLE" || s.Type == maps.Arena { // others do without
			add("map flag "+f.Name, f.Since, "")
		}
	}
	if s.Freeze {
		add("frozen maps", "5.2", "")
	}
	if len(s.ExclusiveHash) > 0 {
		add("exclusive maps", "6.18", "")
	}
	if s.Type == maps.PerCPUArray && s.Contents != nil {
		add("variables of each CPU", "7.3", "")
	}
	if s.Inner != nil {
		c.mapNeeds(name, s.Inner)
	}
}

func (c *collector) program(pp *plannedProgram) {
	at := Place{Program: pp.name, Insn: -1}
	s := &pp.spec
	add := func(what string, since require.Since, attach bool) {
		c.need(Requirement{What: what, Since: string(since), Attach: attach}, at)
	}
	c.need(Requirement{
		What: "program type " + s.Type.String(), Since: string(require.ProgType(uint32(s.Type))),
		Config: require.ProgConfig(uint32(s.Type), uint32(s.Attach)),
	}, at)
	// USDT is attached by what there is.
	if s.Attach != 0 && s.Type != prog.StructOps && !isUSDT(c.plan.spec.Programs[pp.name]) && (!s.AttachOptional || !require.Unchecked(uint32(s.Type))) {
		attach := require.Unchecked(uint32(s.Type)) || s.AttachOptional
		add("attach type "+s.Attach.String(), require.AttachOf(uint32(s.Type), uint32(s.Attach)), attach)
	}
	for _, f := range require.ProgFlags(s.Flags) {
		since := f.Since
		if f.Name == "BPF_F_SLEEPABLE" {
			if t := require.Sleepable(uint32(s.Type)); release(string(t)).AtLeast(release(string(since))) {
				since = t
			}
		}
		add("program flag "+f.Name, since, false)
	}
	if s.Target.Module != "" && s.Target.Module != vmlinux {
		add("types of modules", "5.11", false)
	}
	if len(s.Signature) > 0 {
		c.need(Requirement{What: "signed programs", Since: "6.18", Config: "CONFIG_SYSTEM_DATA_VERIFICATION"}, at)
	}
	if s.ByIndex {
		add("maps by place", "5.14", false)
	}
	if s.Insns.Slots() > 4096 {
		add("more than 4096 instructions", "5.2", false)
	}
	if needsTypes(pp) {
		c.need(Requirement{What: "types of the kernel", Since: "5.2", Config: "CONFIG_DEBUG_INFO_BTF"}, at)
	}
	c.functions(pp)
}

// needsTypes reports whether the program is planned with the kernel's BTF.
func needsTypes(pp *plannedProgram) bool {
	for _, n := range pp.notes {
		if n.core != nil && n.core.Kind != btf.CORETypeIDLocal {
			return true
		}
	}
	switch pp.spec.Type {
	case prog.Tracing, prog.LSM, prog.StructOps:
		return true
	}
	return false
}

// functions looks at the instructions of each function that the program
// consists of, and that can be reached.
func (c *collector) functions(pp *plannedProgram) {
	reach := c.plan.reach(pp)
	for _, fn := range pp.linked.Names() {
		pf := c.plan.funcs[fn]
		if pf == nil {
			continue
		}
		for _, u := range pf.poison {
			if !c.optional && reach[fn].here(u.slot) {
				c.refused = append(c.refused, "program "+pp.name+": "+u.String())
			}
		}
		slot := 0
		at := lines{spec: c.plan.spec}
		for i := range pf.Insns {
			in := &pf.Insns[i]
			at.step(in)
			for _, r := range instructionNeeds(pf, in, slot, reach[fn]) {
				c.need(r, Place{Program: pp.name, Function: fn, Insn: slot, Source: at.String()})
			}
			slot += in.Slots()
		}
	}
}

// instructionNeeds gives what one instruction needs.
func instructionNeeds(pf *plannedFunc, in *asm.Instruction, slot int, reach *reach) (all []Requirement) {
	if n, ok := require.Instruction(in); ok {
		r := Requirement{What: n.What, Since: string(n.Since)}
		if o := pf.outerAt(slot); o != nil && in.Wide() {
			if n, r.Config = require.Address(o.kfunc); o.kfunc {
				r.What, r.Since = n.What, string(n.Since)
			}
		}
		all = append(all, r)
	}
	if n, ok := require.Loop(in); ok {
		all = append(all, Requirement{What: n.What, Since: string(n.Since)})
	}
	if in.Op != asm.OpCall || !reach.here(slot) || isPoison(pf, slot) {
		return all
	}
	behind := !reach.always(slot)
	switch {
	case in.Src == asm.PseudoHelper && in.Ref.Kind == asm.RefNone:
		id := int32(in.Imm)
		if f := require.Fallback(id); f != 0 { // the form for older kernels
			id = f
		}
		all = append(all, Requirement{What: "helper " + asm.FuncID(id).String(), Since: string(require.Helper(id)), IfReached: behind})
	case in.Src == asm.PseudoKfuncCall:
		if o := pf.outerAt(slot); o != nil {
			all = append(all, Requirement{What: "kernel function " + o.name, IfReached: behind})
		}
	}
	return all
}

// isPoison reports whether the instruction stands for what was not found.
func isPoison(pf *plannedFunc, slot int) bool {
	for _, u := range pf.poison {
		if u.fn == pf.Name && (u.slot == slot || u.slot == slot-1) {
			return true
		}
	}
	return false
}

func (c *collector) result() *Requirements {
	r := &Requirements{Refused: c.refused}
	var load, attach version.V
	for _, q := range c.all {
		since := release(q.Since)
		switch {
		case q.IfReached || q.Optional:
		case q.Since == "":
			r.Unknown = append(r.Unknown, q.What)
		default:
			if since.AtLeast(attach) {
				attach, r.Attach = since, q.Since
			}
			if !q.Attach && since.AtLeast(load) {
				load, r.Load = since, q.Since
			}
		}
		r.All = append(r.All, *q)
	}
	bin.Sort(r.All, func(a, b *Requirement) bool {
		x, y := release(a.Since), release(b.Since)
		if (a.Since == "") != (b.Since == "") {
			return a.Since == ""
		}
		if d := x.Compare(y); d != 0 {
			return d > 0
		}
		return a.What < b.What
	})
	bin.SortStrings(r.Unknown)
	return r
}
