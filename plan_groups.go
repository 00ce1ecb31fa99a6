package skep

// addGroup records alternatives, of which one will be loaded.
func (p *Plan) addGroup(names []string, index map[string]int) {
	var members []int
	for _, n := range names {
		if i, ok := index[n]; ok && p.programs[i].policy != Off {
			members = append(members, i)
		}
	}
	p.groups = append(p.groups, members)
}

// firstFailure is the first program that must be there and cannot: a Required
// one without alternatives, or the last of a group that has a Required member.
func (p *Plan) firstFailure() *plannedProgram {
	grouped := map[int]bool{}
	for _, g := range p.groups {
		required, possible := false, false
		for _, i := range g {
			grouped[i] = true
			required = required || p.programs[i].policy == Required
			possible = possible || p.programs[i].err == nil
		}
		if required && !possible && len(g) > 0 {
			return p.programs[g[len(g)-1]]
		}
	}
	for i, pr := range p.programs {
		if pr.err != nil && pr.policy == Required && !grouped[i] {
			return pr
		}
	}
	return nil
}
