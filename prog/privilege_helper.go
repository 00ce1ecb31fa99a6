package prog

import (
	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/diagnose"
)

// perfmonHelpers are those for which programs of any type need CAP_PERFMON
// (kernel/bpf/helpers.c, the last part of bpf_base_func_proto).
var perfmonHelpers = [...]asm.FuncID{
	asm.FnTracePrintk, asm.FnTraceVprintk,
	asm.FnGetCurrentTask, asm.FnGetCurrentTaskBtf, asm.FnTaskPtRegs, asm.FnGetTaskStack, asm.FnFindVma,
	asm.FnProbeRead, asm.FnProbeReadStr,
	asm.FnProbeReadUser, asm.FnProbeReadKernel, asm.FnProbeReadUserStr, asm.FnProbeReadKernelStr,
	asm.FnCopyFromUser, asm.FnCopyFromUserTask,
	asm.FnSnprintf, asm.FnSnprintfBtf,
	asm.FnPerfEventRead, asm.FnPerfEventReadValue, asm.FnGetBranchSnapshot,
	asm.FnSendSignal, asm.FnSendSignalThread,
}

// helperNeeds are the capabilities for the helpers that a program calls. To
// find out from the verifier takes the capabilities for its type.
func helperNeeds(insns asm.Instructions) diagnose.Caps {
	for i := range insns {
		in := &insns[i]
		if in.Op != asm.OpCall || in.Src != 0 || in.Ref.Kind != asm.RefNone {
			continue
		}
		for _, id := range perfmonHelpers {
			if in.Imm == int64(id) {
				return diagnose.Perfmon
			}
		}
	}
	return 0
}
