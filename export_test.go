package skep

import "github.com/skepbpf/skep/prog"

// PlannedPrograms gives the programs of a plan as they would be loaded.
func PlannedPrograms(p *Plan) (list []*prog.Spec) {
	for _, pp := range p.programs {
		list = append(list, &pp.spec)
	}
	return list
}
