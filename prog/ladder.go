package prog

import (
	"fmt"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// olderHelper gives what older kernels have instead of the helpers of Linux 5.5
// that tell kernel from user memory.
func olderHelper(in *asm.Instruction) (sys.FuncID, bool) {
	if in.Op != asm.OpCall || in.Src != 0 || in.Ref.Kind != asm.RefNone {
		return 0, false
	}
	switch in.Imm {
	case int64(sys.BPF_FUNC_probe_read_kernel), int64(sys.BPF_FUNC_probe_read_user):
		return sys.BPF_FUNC_probe_read, true
	case int64(sys.BPF_FUNC_probe_read_kernel_str), int64(sys.BPF_FUNC_probe_read_user_str):
		return sys.BPF_FUNC_probe_read_str, true
	}
	return 0, false
}

// rung is one thing that a Spec may do without on a kernel that lacks it.
type rung struct {
	id   feature.ID
	uses func(*Spec) bool
	// drop changes a Spec of its own and says what was given up.
	drop func(*Spec) string
}

var ladder = [...]rung{
	{feature.ProbeReadKernel, usesProbeRead, dropProbeRead},
	{feature.BTF, usesBTF, dropBTF},
	{feature.BTFFunc, usesBTF, dropBTF},
	{feature.ProgName, usesName, dropName},
	{feature.ExpAttachType, usesOptionalAttach, dropAttach},
}

// usesProbeRead: what others know by its bytes stays as it is. Kernels that
// take its form have the helpers.
func usesProbeRead(s *Spec) bool {
	if s.indexed() {
		return false
	}
	for i := range s.Insns {
		if _, ok := olderHelper(&s.Insns[i]); ok {
			return true
		}
	}
	return false
}

func dropProbeRead(s *Spec) string {
	n := 0
	s.Insns = append(asm.Instructions(nil), s.Insns...)
	for i := range s.Insns {
		if id, ok := olderHelper(&s.Insns[i]); ok {
			s.Insns[i].Imm = int64(id)
			n++
		}
	}
	return fmt.Sprintf("bpf_probe_read_{kernel,user}: bpf_probe_read instead, in %d calls", n)
}

func usesBTF(s *Spec) bool { return s.Types != nil }

func dropBTF(s *Spec) string {
	s.Types, s.Funcs, s.Lines = nil, nil, nil
	return "BTF of the program: left out"
}

func usesName(s *Spec) bool { return s.Name != "" && !s.unnamed }

func dropName(s *Spec) string {
	s.unnamed = true
	return "name of the program: left out"
}

func usesOptionalAttach(s *Spec) bool { return s.AttachOptional && s.Attach != 0 }

func dropAttach(s *Spec) string {
	text := fmt.Sprintf("attach type %s: left out", s.Attach)
	s.Attach = 0
	return text
}

// For gives the form of s that a kernel with these features is given, and
// what that form does without. It asks the kernel nothing; what f does not
// know is taken to be there. s is returned itself if nothing changes.
func (s *Spec) For(f *feature.Set) (*Spec, []string) {
	form := s
	var without []string
	for _, r := range ladder {
		if f.Has(r.id) || !r.uses(form) {
			continue
		}
		if form == s {
			c := *s
			form = &c
		}
		without = append(without, r.drop(form))
	}
	return form, without
}

// questions are the features whose absence could explain why the kernel
// refused s.
func (s *Spec) questions(f *feature.Set) []feature.ID {
	var ids []feature.ID
	for _, r := range ladder {
		if f.Get(r.id) == feature.Unknown && r.uses(s) {
			ids = append(ids, r.id)
		}
	}
	return ids
}
