package elf

import "strings"

// Match says what a program's section name means. Types and flags are numbers
// of the kernel's enums bpf_prog_type and bpf_attach_type.
type Match struct {
	Type       uint32 // bpf_prog_type; 0 (unspecified) if not Known
	AttachType uint32 // bpf_attach_type expected at load
	Flags      uint32 // BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS

	NeedsBTF       bool // loads with the BTF id of what it attaches to
	AttachOpt      bool // AttachType is left out on kernels that do not know it (before 4.17)
	AttachRequired bool // AttachType must be given, at load and when attaching

	Pattern string // row of the table, such as "kprobe+"; "" if not Known
	Target  string // what follows the matched name and its '/'

	Off        bool // "?" before the name: not loaded unless asked for
	AutoAttach bool // the section (or the program's BTF target) says enough to attach
	Exact      bool // libbpf's rule; false where only the text before a '/' is known
	Known      bool
}

// MatchSection finds what a section name means. The rule is libbpf's: a
// pattern ending in '+' matches its name alone or followed by '/' and a
// target, any other only its name. Where nothing matches, the longest part
// before a '/' that is a pattern without '+' gives the type ("xdp/lo" is an XDP
// program), without attaching by itself; else the Match is not Known and the
// caller has to set a type.
func MatchSection(name string) Match {
	rest, off := strings.CutPrefix(name, "?")
	if m, ok := matchExact(rest); ok {
		m.Off = off
		return m
	}
	for i := strings.LastIndexByte(rest, '/'); i > 0; i = strings.LastIndexByte(rest[:i], '/') {
		row := findSection(rest[:i], false)
		if row == nil {
			continue
		}
		m := row.match(rest[i+1:])
		m.Off, m.Exact, m.AutoAttach = off, false, false
		return m
	}
	_, target, _ := strings.Cut(rest, "/")
	return Match{Target: target, Off: off}
}

func matchExact(name string) (Match, bool) {
	// No '+' pattern holds a '/', so the text before the first decides. No other
	// begins with one: most names are found early.
	head, target, _ := strings.Cut(name, "/")
	if row := findSection(head, true); row != nil {
		return row.match(target), true
	}
	if row := findSection(name, false); row != nil {
		return row.match(""), true
	}
	return Match{}, false
}

// findSection looks for the row whose name is name, among the rows that take a
// target or among those that do not.
//
//go:noinline
func findSection(name string, target bool) *sectionRow {
	for i := range sectionTable {
		row := &sectionTable[i]
		if (row.flags&takesTarget != 0) == target && row.name == name {
			return row
		}
	}
	return nil
}

func (r *sectionRow) match(target string) Match {
	m := Match{
		Type:       r.prog,
		AttachType: r.attach,
		NeedsBTF:   r.flags&needsBTF != 0,
		AttachOpt:  r.flags&attachOpt != 0,
		Pattern:    r.name,
		Target:     target,
		Exact:      true,
		Known:      true,
	}
	m.AttachRequired = r.flags&attachable != 0
	if r.flags&takesTarget != 0 {
		m.Pattern = r.pattern
	}
	if r.flags&sleepable != 0 {
		m.Flags |= flagSleepable
	}
	if r.flags&xdpFrags != 0 {
		m.Flags |= flagXDPHasFrags
	}
	// A bare SEC("kprobe") does not say where; a bare SEC("fentry") may get
	// its target from the caller before the load.
	m.AutoAttach = r.flags&autoAttach != 0 && (target != "" || m.NeedsBTF)
	return m
}
