package prog

import "github.com/skepbpf/skep/btf"

// TargetQuery is what Resolve seeks in vmlinux: give the queries of many Specs
// to one btf.Kernel.Find, and Resolve finds them without a pass of its own.
func (s *Spec) TargetQuery() btf.Query {
	return btf.TargetQuery(targetPrefix(s.Attach), s.Target.Name)
}
