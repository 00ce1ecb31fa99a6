package skep

import (
	"fmt"
	"strings"
)

// String is a line for each requirement, below one for the lowest release.
func (r *Requirements) String() string {
	var b strings.Builder
	b.WriteString("needs Linux " + orAny(r.Attach))
	if r.Load != r.Attach {
		b.WriteString(", to load " + orAny(r.Load))
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(&b, ", and what has no known release: %s", strings.Join(r.Unknown, ", "))
	}
	b.WriteByte('\n')
	for _, what := range r.Refused {
		fmt.Fprintf(&b, "\trefused, for it is reached: %s\n", what)
	}
	for i := range r.All {
		fmt.Fprintf(&b, "\t%s\n", &r.All[i])
	}
	return b.String()
}

func orAny(release string) string {
	if release == "" {
		return "3.18"
	}
	return release
}

// String is such as "5.8 map type RingBuf: map events".
func (r *Requirement) String() string {
	s := r.Since
	if s == "" {
		s = "?"
	}
	s = fmt.Sprintf("%-5s %s", s, r.What)
	var notes []string
	if r.Config != "" {
		notes = append(notes, r.Config)
	}
	if r.Attach {
		notes = append(notes, "to attach")
	}
	if r.IfReached {
		notes = append(notes, "if reached")
	}
	if r.Optional {
		notes = append(notes, "optional")
	}
	if len(notes) > 0 {
		s += " (" + strings.Join(notes, ", ") + ")"
	}
	var places []string
	for i, p := range r.Places {
		if i == 3 {
			places = append(places, fmt.Sprintf("and %d more", r.Uses-i))
			break
		}
		places = append(places, p.String())
	}
	return s + ": " + strings.Join(places, "; ")
}
