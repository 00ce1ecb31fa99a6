package main

import "fmt"

// compare tells which medians of a run lie outside the interval of an older
// one. Those that are noisy in either run are not looked at.
func compare(old, now *results) (outside []string, looked int) {
	before := map[string]*result{}
	for i := range old.Rows {
		before[old.Rows[i].Name] = &old.Rows[i]
	}
	for i := range now.Rows {
		r := &now.Rows[i]
		o := before[r.Name]
		if o == nil {
			continue
		}
		for _, name := range peerNames {
			a, b := o.Peers[name], r.Peers[name]
			if a == nil || b == nil || a.Samples == 0 || b.Samples == 0 || a.Noisy || b.Noisy {
				continue
			}
			looked++
			if b.Median < a.Low || b.Median > a.High {
				outside = append(outside, fmt.Sprintf("%s: %s: %s %s is outside %s–%s", r.Name, title(name),
					format(b.Median, r.unit), r.Unit, format(a.Low, r.unit), format(a.High, r.unit)))
			}
		}
	}
	return outside, looked
}
