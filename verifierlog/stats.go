package verifierlog

import "strings"

// Stats are the figures of the log's last line. A figure that the kernel did
// not print is 0.
type Stats struct {
	Insns            int // instructions processed, all paths together
	Limit            int // most that the kernel processes
	MaxStatesPerInsn int
	TotalStates      int
	PeakStates       int
	MarkRead         int
}

// Stats finds the line "processed N insns (limit M) …". Requires log level 1,
// 2 or 4; a truncated log has none.
func (l Log) Stats() (Stats, bool) {
	i := strings.LastIndex(l.text, "processed ")
	for i > 0 && l.text[i-1] != '\n' {
		i = strings.LastIndex(l.text[:i], "processed ")
	}
	if i < 0 {
		return Stats{}, false
	}
	line, _, _ := strings.Cut(l.text[i:], "\n")
	return parseStats(line)
}

func parseStats(line string) (Stats, bool) {
	rest, ok := strings.CutPrefix(line, "processed ")
	if !ok {
		return Stats{}, false
	}
	var s Stats
	if s.Insns, rest = leadingInt(rest); s.Insns < 0 || !strings.HasPrefix(rest, " insns") {
		return Stats{}, false
	}
	for _, f := range [...]struct {
		label string
		to    *int
	}{
		{"(limit ", &s.Limit},
		{"max_states_per_insn ", &s.MaxStatesPerInsn},
		{"total_states ", &s.TotalStates},
		{"peak_states ", &s.PeakStates},
		{"mark_read ", &s.MarkRead},
	} {
		if _, after, ok := strings.Cut(rest, f.label); ok {
			n, _ := leadingInt(after)
			*f.to = max(n, 0)
		}
	}
	return s, true
}
