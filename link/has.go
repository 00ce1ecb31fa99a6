package link

import (
	"encoding/binary"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/prog"
)

// has reports whether the kernel has links of an attach type, by trying one for
// a program of two instructions that was loaded for it: whether try's error is
// one that only those kernels give.
func has(t prog.Type, at sys.AttachType, try func(pfd int, at sys.AttachType) error) bool {
	insns, err := asm.Instructions{asm.Mov(asm.R0, 0), asm.Exit()}.AppendEncode(nil, binary.NativeEndian)
	if err != nil {
		return false
	}
	fd, err := sys.ProgLoad(&sys.ProgLoadAttr{
		ProgType: sys.ProgType(t), InsnCnt: uint32(len(insns) / 8), Insns: sys.BytesPtr(insns),
		License: sys.StringPtr("GPL"), ExpectedAttachType: at,
	})
	if err != nil {
		return false
	}
	defer fd.Close()
	pfd, err := fd.Borrow()
	if err != nil {
		return false
	}
	defer fd.Release()
	err = try(pfd, at)
	return err == nil || !maybeMissing(err)
}

// notLoadedFor explains EINVAL where it is the program's fault.
func notLoadedFor(err error, at sys.AttachType) error {
	return mkerr.Errorf("%w: the program was not loaded with attach type %s", err, prog.AttachType(at))
}
