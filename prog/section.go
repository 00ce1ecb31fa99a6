package prog

import "github.com/skepbpf/skep/elf"

// SectionInfo is what a section name of an object says about its programs.
type SectionInfo struct {
	Type   Type
	Attach AttachType
	Flags  uint32 // BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS
	Target string // what follows the first '/', such as "sched_switch"
	// AttachOptional: kernels without attach types may be given none.
	AttachOptional bool
	Auto           bool // the name says all that attaching needs
	Off            bool // '?': not loaded unless asked for
}

// ParseSection reads a section name such as "tp_btf/sched_switch". It is false
// for a name of no known form.
func ParseSection(s string) (SectionInfo, bool) {
	m := elf.MatchSection(s)
	return SectionInfo{
		Type:           Type(m.Type),
		Attach:         AttachType(m.AttachType),
		Flags:          m.Flags,
		Target:         m.Target,
		AttachOptional: m.AttachOpt,
		Auto:           m.AutoAttach,
		Off:            m.Off,
	}, m.Known
}
