package main

import (
	"encoding/json"
	"fmt"

	"github.com/skepbpf/skep"
)

// The shapes of `skep load -json -report`: after its programs, a line for each
// object that was loaded whole.
type (
	reportLine struct {
		Object string     `json:"object"`
		Report reportInfo `json:"report"`
	}
	reportInfo struct {
		Maps     []mapReport     `json:"maps"`
		Programs []programReport `json:"programs"`
		Externs  []string        `json:"externs"`
		Degraded []string        `json:"goes_without"`
		Pins     []pinInfo       `json:"pins,omitempty"` // of an upgrade
	}
	mapReport struct {
		Name     string   `json:"name"`
		Created  bool     `json:"created"`
		Reused   bool     `json:"reused"`
		LeftOut  string   `json:"left_out,omitempty"`
		Degraded []string `json:"goes_without,omitempty"`
	}
	programReport struct {
		Name       string   `json:"name"`
		Loaded     bool     `json:"loaded"`
		LeftOut    string   `json:"left_out,omitempty"`
		Degraded   []string `json:"goes_without,omitempty"`
		Unresolved []string `json:"unresolved,omitempty"`
		Pruned     []string `json:"pruned,omitempty"`
	}
)

func newReport(spec *skep.Spec, r *skep.Report) *reportInfo {
	info := &reportInfo{[]mapReport{}, []programReport{}, []string{}, append([]string{}, r.Degraded...), pinInfos(r.Pins, r)}
	for i := range r.Externs {
		info.Externs = append(info.Externs, r.Externs[i].String())
	}
	for _, name := range spec.MapNames() {
		m := r.Maps[name]
		why := text(m.Why)
		if !m.Created && !m.Reused && why == "" {
			why = skep.ErrOff.Error()
		}
		info.Maps = append(info.Maps, mapReport{name, m.Created, m.Reused, why, m.Degraded})
	}
	for _, name := range spec.ProgramNames() {
		p := r.Programs[name]
		why := text(p.Why)
		if !p.Loaded && why == "" {
			why = skep.ErrOff.Error()
		}
		info.Programs = append(info.Programs, programReport{name, p.Loaded, why, p.Degraded, p.Unresolved, p.Pruned})
	}
	return info
}

// print prints what is not as the object would have it; what became of its
// programs has lines of its own.
func (r *reportInfo) print(e env, path string) {
	for _, x := range r.Externs {
		fmt.Fprintf(e.out, "%s: extern %s\n", path, x)
	}
	for _, d := range r.Degraded {
		fmt.Fprintf(e.out, "%s: goes without: %s\n", path, d)
	}
	printPins(e, path, r.Pins)
	for _, m := range r.Maps {
		switch {
		case m.Reused:
			fmt.Fprintf(e.out, "%s: map %s: reused\n", path, m.Name)
		case m.LeftOut != "":
			fmt.Fprintf(e.out, "%s: map %s: left out: %s\n", path, m.Name, m.LeftOut)
		}
		for _, d := range m.Degraded {
			fmt.Fprintf(e.out, "%s: map %s: goes without: %s\n", path, m.Name, d)
		}
	}
	for _, p := range r.Programs {
		for _, d := range p.Degraded {
			fmt.Fprintf(e.out, "%s: program %s: goes without: %s\n", path, p.Name, d)
		}
		for _, what := range p.Pruned {
			fmt.Fprintf(e.out, "%s: program %s: pruned: %s\n", path, p.Name, what)
		}
		for _, u := range p.Unresolved {
			fmt.Fprintf(e.out, "%s: program %s: not reached, and unresolved: %s\n", path, p.Name, u)
		}
	}
}

func (r *reportInfo) printJSON(e env, path string) {
	b, err := json.Marshal(reportLine{path, *r})
	if err != nil {
		fmt.Fprintln(e.err, "skep load:", err)
		return
	}
	fmt.Fprintf(e.out, "%s\n", b)
}
