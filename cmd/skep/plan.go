package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/skepbpf/skep"
)

// planFlags of the verb.
type planFlags struct {
	json, autosize, prune bool

	off    string
	sign   string
	config *skep.Config
	target target
}

func runPlan(e env, args []string) int {
	var f planFlags
	fs := flag.NewFlagSet("plan", flag.ContinueOnError)
	fs.BoolVar(&f.json, "json", false, "print one JSON object a line")
	fs.BoolVar(&f.autosize, "autosize", false, "give maps of size 0 a workable size")
	fs.StringVar(&f.off, "off", "", "comma-separated `programs` to switch off")
	fs.BoolVar(&f.prune, "prune", false, "leave out what constants make unreachable")
	fs.StringVar(&f.sign, "sign", "", "write what a signature of this `program` has to cover, and nothing else")
	f.target.flags(fs)
	config := configFlag(fs)
	objects, code, ok := parse(e, fs, args)
	if !ok {
		return code
	}
	var err error
	if f.config, err = config(); err == nil {
		err = f.target.check()
	}
	if err != nil {
		fmt.Fprintf(e.err, "skep plan: %v\n", err)
		return exitUsage
	}
	for _, path := range objects {
		code = max(code, f.object(e, path))
	}
	return code
}

// object plans one object and prints what it came to.
func (f *planFlags) object(e env, path string) int {
	fail := func(code int, err error) int {
		fmt.Fprintf(e.err, "skep plan: %v\n", err)
		return code
	}
	spec, err := skep.Open(path)
	if err != nil {
		return fail(exitUsage, err)
	}
	if f.autosize {
		autosize(spec)
	}
	if f.prune {
		spec.Prune()
	}
	for _, name := range splitList(f.off) {
		if spec.Programs[name] == nil {
			return fail(exitUsage, fmt.Errorf("%s: no program %s", path, name))
		}
		spec.Programs[name].Policy = skep.Off
	}
	facts, err := f.target.facts(spec.Needs(), f.config)
	if err != nil {
		return fail(exitUsage, err)
	}
	defer facts.Close()
	p, problems := planAll(spec, facts)
	if p == nil {
		for _, err := range problems {
			fail(exitRejected, err)
		}
		return exitRejected
	}
	if f.sign != "" {
		if err := sign(e, p, problems, f.sign); err != nil {
			return fail(exitRejected, err)
		}
		return exitGood
	}
	info := &planInfo{Object: path, Kernel: facts.Release}
	info.fill(spec, p)
	pins, err := p.Pins()
	if info.Pins = pinInfos(pins, nil); err != nil {
		problems = append(problems, err)
	}
	if err := info.judge(f, facts.Release); err != nil {
		return fail(exitUsage, err)
	}
	for _, err := range problems {
		info.Problems = append(info.Problems, err.Error())
	}
	if f.json {
		err = info.printJSON(e)
	} else {
		info.print(e, p)
	}
	switch {
	case err != nil:
		return fail(exitUsage, err)
	case len(info.Problems) > 0:
		for _, what := range info.Problems {
			fail(exitRejected, errors.New(what))
		}
		return exitRejected
	}
	return exitGood
}

// sign writes what a signature has to cover.
func sign(e env, p *skep.Plan, problems []error, program string) error {
	if len(problems) > 0 {
		return problems[0]
	}
	s, err := p.Signing(program)
	if err != nil {
		return err
	}
	_, err = e.out.Write(s.Bytes)
	return err
}

// planAll plans spec. Required programs that cannot be planned are left out of
// the plan, and are the problems; without a plan, the problem is its error.
func planAll(spec *skep.Spec, facts *skep.Facts) (*skep.Plan, []error) {
	var problems []error
	spec = spec.Copy()
	for {
		p, err := spec.Plan(facts)
		if err == nil {
			return p, problems
		}
		problems = append(problems, err)
		var step *skep.StepError
		if !errors.As(err, &step) || spec.Programs[step.Name] == nil || spec.Programs[step.Name].Policy != skep.Required {
			return nil, problems
		}
		spec.Programs[step.Name].Policy = skep.Optional
	}
}

// The shapes of `skep plan -json`: one object a line.
type (
	planInfo struct {
		Object  string `json:"object"`
		Kernel  string `json:"kernel"`
		OK      bool   `json:"ok"`
		License string `json:"license"`
		// Lowest release of mainline that has all, and to load alone.
		Lowest       string            `json:"lowest_release"`
		LowestLoad   string            `json:"lowest_release_to_load"`
		Unknown      []string          `json:"of_unknown_release"`
		Problems     []string          `json:"problems"`
		Maps         []outcomeInfo     `json:"maps"`
		Programs     []outcomeInfo     `json:"programs"`
		Externs      []string          `json:"externs"`
		Degraded     []string          `json:"goes_without"`
		Relocations  []relocationInfo  `json:"relocations"`
		Requirements []requirementInfo `json:"requirements"`
		Pins         []pinInfo         `json:"pins,omitempty"` // with -pin

		needs *skep.Requirements
	}
	outcomeInfo struct {
		Name       string   `json:"name"`
		Policy     string   `json:"policy,omitempty"`
		LeftOut    string   `json:"left_out,omitempty"`
		Degraded   []string `json:"goes_without,omitempty"`
		Unresolved []string `json:"unresolved,omitempty"`
	}
	relocationInfo struct {
		Function string `json:"function"`
		Insn     int    `json:"insn"`
		Source   string `json:"source"`
		What     string `json:"what"`
		Value    uint64 `json:"value"`
		Was      uint64 `json:"was"`
		Missing  string `json:"missing,omitempty"`
	}
	requirementInfo struct {
		What      string   `json:"what"`
		Since     string   `json:"since"`
		Config    string   `json:"config,omitempty"`
		Attach    bool     `json:"to_attach,omitempty"`
		IfReached bool     `json:"if_reached,omitempty"`
		Optional  bool     `json:"optional,omitempty"`
		Missing   string   `json:"missing,omitempty"` // why this kernel does not have it
		Places    []string `json:"places"`
		Uses      int      `json:"uses"`
	}
)

func (o *planInfo) fill(spec *skep.Spec, p *skep.Plan) {
	o.needs = p.Requirements()
	o.License = spec.License
	o.Lowest, o.LowestLoad, o.Unknown = o.needs.Attach, o.needs.Load, append([]string{}, o.needs.Unknown...)
	r := p.Report()
	o.Degraded = append([]string{}, r.Degraded...)
	o.Problems, o.Externs, o.Maps, o.Programs = []string{}, []string{}, []outcomeInfo{}, []outcomeInfo{}
	o.Relocations, o.Requirements = []relocationInfo{}, []requirementInfo{}
	for _, name := range spec.MapNames() {
		m := r.Maps[name]
		o.Maps = append(o.Maps, outcomeInfo{Name: name, LeftOut: text(m.Why), Degraded: m.Degraded})
	}
	for _, name := range spec.ProgramNames() {
		out := r.Programs[name]
		o.Programs = append(o.Programs, outcomeInfo{name, spec.Programs[name].Policy.String(), text(out.Why), out.Degraded, out.Unresolved})
	}
	for i := range r.Externs {
		o.Externs = append(o.Externs, r.Externs[i].String())
	}
	for _, c := range p.Relocations() {
		o.Relocations = append(o.Relocations, relocationInfo(c))
	}
	for _, q := range o.needs.All {
		info := requirementInfo{q.What, q.Since, q.Config, q.Attach, q.IfReached, q.Optional, "", nil, q.Uses}
		for _, at := range q.Places {
			info.Places = append(info.Places, at.String())
		}
		o.Requirements = append(o.Requirements, info)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// judge holds the requirements against a kernel: against its release if it is
// made up, for a running one may have more than that, and against its
// configuration as far as that is known. What is missing is a problem if the
// object does not load without.
func (o *planInfo) judge(f *planFlags, release string) error {
	var options []string
	for _, q := range o.Requirements {
		if q.Config != "" {
			options = append(options, q.Config)
		}
	}
	known, err := f.target.facts(skep.Needs{Config: options}, f.config)
	if err != nil {
		return err
	}
	defer known.Close()
	for _, what := range o.needs.Refused {
		o.Problems = append(o.Problems, fmt.Sprintf("%s: %s", o.Object, what))
	}
	for i := range o.Requirements {
		q := &o.Requirements[i]
		switch c := known.Config[q.Config]; {
		case f.target.madeUp() && q.Since != "" && skep.OlderRelease(release, q.Since):
			q.Missing = "Linux " + q.Since + " brought it"
		case f.target.madeUp() && f.config == nil: // nothing is known
		case q.Config != "" && (c.State == skep.Absent || c.State == skep.Known && c.Value == "n"):
			q.Missing = q.Config + " is not set"
		}
		if q.Missing != "" && !q.Attach && !q.Optional { // what is guarded is reached in this plan
			o.Problems = append(o.Problems, fmt.Sprintf("%s: kernel %s lacks %s (%s): %s", o.Object, release, q.What, q.Missing, strings.Join(q.Places, "; ")))
		}
	}
	return nil
}

func (o *planInfo) printJSON(e env) error {
	o.OK = len(o.Problems) == 0
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s\n", b)
	return err
}

// print prints the plan, what its parts do without, and what it needs.
func (o *planInfo) print(e env, p *skep.Plan) {
	fmt.Fprint(e.out, p)
	for _, d := range o.Degraded {
		fmt.Fprintf(e.out, "goes without: %s\n", d)
	}
	for _, m := range o.Maps {
		for _, d := range m.Degraded {
			fmt.Fprintf(e.out, "map %s goes without: %s\n", m.Name, d)
		}
	}
	for _, pr := range o.Programs {
		for _, d := range pr.Degraded {
			fmt.Fprintf(e.out, "program %s goes without: %s\n", pr.Name, d)
		}
	}
	fmt.Fprint(e.out, o.needs)
}
