package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"

	"github.com/skepbpf/skep"
	"github.com/skepbpf/skep/prog"
)

// The shapes of `skep inspect -json`: one object a line.
type (
	objectInfo struct {
		Object   string        `json:"object"`
		License  string        `json:"license"`
		Maps     []mapInfo     `json:"maps"`
		Programs []programInfo `json:"programs"`
		Vars     []varInfo     `json:"variables"`
		Externs  []externInfo  `json:"externs"`
	}
	mapInfo struct {
		Name       string `json:"name"`
		Section    string `json:"section"`
		Type       string `json:"type"`
		KeySize    uint32 `json:"key_size"`
		ValueSize  uint32 `json:"value_size"`
		MaxEntries uint32 `json:"max_entries"`
		Flags      uint32 `json:"flags"`
	}
	programInfo struct {
		Name         string `json:"name"`
		Section      string `json:"section"`
		Type         string `json:"type"`
		Attach       string `json:"attach,omitempty"`
		Target       string `json:"target,omitempty"`
		Policy       string `json:"policy"`
		Auto         bool   `json:"auto_attach"`
		Note         string `json:"note,omitempty"`
		Instructions int    `json:"instructions"`
	}
	varInfo struct {
		Name     string `json:"name"`
		Map      string `json:"map"`
		Offset   uint32 `json:"offset"`
		Size     uint32 `json:"size"`
		ReadOnly bool   `json:"read_only"`
	}
	externInfo struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
		Weak bool   `json:"weak"`
	}
)

func runInspect(e env, args []string) int {
	fs := flag.NewFlagSet("inspect", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print one JSON object a line")
	objects, code, ok := parse(e, fs, args)
	if !ok {
		return code
	}
	for _, path := range objects {
		spec, err := skep.Open(path)
		if err != nil {
			fmt.Fprintf(e.err, "skep inspect: %v\n", err)
			code = exitUsage
			continue
		}
		info := inspect(path, spec)
		if *asJSON {
			b, err := json.Marshal(info)
			if err != nil {
				fmt.Fprintf(e.err, "skep inspect: %v\n", err)
				return exitUsage
			}
			fmt.Fprintf(e.out, "%s\n", b)
			continue
		}
		info.print(e)
	}
	return code
}

func inspect(path string, spec *skep.Spec) *objectInfo {
	// Empty lists, not nulls, for those who read the JSON.
	o := &objectInfo{path, spec.License, []mapInfo{}, []programInfo{}, []varInfo{}, []externInfo{}}
	for _, name := range spec.MapNames() {
		m := spec.Maps[name]
		o.Maps = append(o.Maps, mapInfo{name, m.Section, m.Type.String(), m.KeySize, m.ValueSize, m.MaxEntries, m.Flags})
	}
	for _, name := range spec.ProgramNames() {
		o.Programs = append(o.Programs, inspectProgram(name, spec.Programs[name]))
	}
	for _, name := range sortedKeys(spec.Vars) {
		v := spec.Vars[name]
		o.Vars = append(o.Vars, varInfo{name, v.Map(), v.Offset(), v.Size(), v.ReadOnly()})
	}
	for _, x := range spec.Externs() {
		o.Externs = append(o.Externs, externInfo{x.Name, x.Kind.String(), x.Weak})
	}
	return o
}

func inspectProgram(name string, p *skep.ProgramSpec) programInfo {
	info := programInfo{
		Name: name, Section: p.Section, Type: p.Type.String(), Target: p.Match.Target,
		Policy: p.Policy.String(), Auto: p.Match.AutoAttach, Instructions: p.Insns.Slots(),
	}
	if p.Attach != 0 || p.Match.AttachRequired {
		info.Attach = prog.AttachType(p.Attach).String()
	}
	switch {
	case !p.Match.Known:
		info.Note = "section name is no program type: the type must be set"
	case !p.Match.Exact:
		info.Note = fmt.Sprintf("type from the part %q of the section name; attach by hand", p.Match.Pattern)
	}
	return info
}

func (o *objectInfo) print(e env) {
	fmt.Fprintf(e.out, "%s: license %q\n", o.Object, o.License)
	for _, m := range o.Maps {
		fmt.Fprintf(e.out, "  map %s: %s, key %d, value %d, entries %d, flags %#x (%s)\n",
			m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.Section)
	}
	for _, p := range o.Programs {
		words := []string{p.Type}
		if p.Attach != "" {
			words = append(words, p.Attach)
		}
		words = append(words, p.Policy, fmt.Sprintf("%d instructions", p.Instructions))
		if p.Auto {
			words = append(words, "attaches by itself")
		}
		if p.Note != "" {
			words = append(words, p.Note)
		}
		fmt.Fprintf(e.out, "  program %s (%s): %s\n", p.Name, p.Section, strings.Join(words, ", "))
	}
	for _, v := range o.Vars {
		mode := ""
		if v.ReadOnly {
			mode = ", read-only"
		}
		fmt.Fprintf(e.out, "  variable %s: %s+%d, %d bytes%s\n", v.Name, v.Map, v.Offset, v.Size, mode)
	}
	for _, x := range o.Externs {
		weak := ""
		if x.Weak {
			weak = " (weak)"
		}
		fmt.Fprintf(e.out, "  extern %s: %s%s\n", x.Name, x.Kind, weak)
	}
}
