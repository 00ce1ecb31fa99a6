package prog

import (
	"time"

	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Info is what the kernel says of a program. A field newer than the kernel is
// zero.
type Info struct {
	ID            uint32
	Name          string  // at most 15 bytes; Linux 4.15
	Tag           [8]byte // hash of the instructions
	Type          Type
	LoadTime      time.Duration // since boot; Linux 4.15
	UID           uint32        // user who loaded it; Linux 4.15
	MapIDs        []uint32      // maps that it uses; Linux 4.15
	Ifindex       uint32        // device that it is offloaded to; Linux 4.16
	NetnsDev      uint64        // network namespace of that device: its file's device; Linux 4.16
	NetnsIno      uint64        // and inode
	GPL           bool          // Linux 4.18
	XlatedLen     uint32        // bytes of instructions after the verifier's rewriting
	JITedLen      uint32        // bytes of machine code; 0 if it is interpreted
	BTFID         uint32        // BTF that it was loaded with; Linux 5.0
	VerifiedInsns uint32        // instructions that the verifier processed; Linux 5.16
	AttachBTFObj  uint32        // BTF that the target is in; Linux 5.18
	AttachBTFID   uint32        // the target's type there; Linux 5.18
	Funcs         uint32        // functions, the entry included; Linux 5.0
	Stats         Stats
}

// Stats are the figures of a program's runs while statistics were enabled, see
// EnableStats.
type Stats struct {
	Runs            uint64        // Linux 5.1
	RunTime         time.Duration // Linux 5.1
	RecursionMisses uint64        // runs left out to avoid recursion; Linux 5.12
}

// maxMapIDs bounds what Info reads: the kernel lets a program use 64 maps.
const maxMapIDs = 1 << 16

// Info asks the kernel about the program. Requires Linux 4.13. Without CAP_BPF
// XlatedLen and JITedLen are 0.
func (p *Program) Info() (Info, error) {
	var in Info
	err := p.with("info", func(fd int) error {
		var raw sys.ProgInfo
		if err := sys.ObjGetInfoByFD(fd, &raw); err != nil {
			return err
		}
		in = infoOf(&raw)
		if raw.NrMapIds == 0 {
			return nil
		}
		ids := make([]uint32, min(raw.NrMapIds, maxMapIDs))
		// The other counts must be 0, or the kernel wants to fill their
		// buffers too.
		raw = sys.ProgInfo{NrMapIds: uint32(len(ids)), MapIds: sys.SlicePtr(ids)}
		if err := sys.ObjGetInfoByFD(fd, &raw); err != nil {
			return err
		}
		in.MapIDs = ids[:min(int(raw.NrMapIds), len(ids))]
		return nil
	})
	return in, err
}

// firstBit is the first bit-field of a u32, which the C compilers of big-endian
// machines put at the top.
var firstBit = uint32(sys.PerfBit(0).Mask()>>32 | sys.PerfBit(0).Mask()&1)

func infoOf(raw *sys.ProgInfo) Info {
	return Info{
		ID:            raw.Id,
		Name:          sys.NameString(raw.Name[:]),
		Tag:           raw.Tag,
		Type:          Type(raw.Type),
		LoadTime:      time.Duration(raw.LoadTime),
		UID:           raw.CreatedByUid,
		Ifindex:       raw.Ifindex,
		NetnsDev:      raw.NetnsDev,
		NetnsIno:      raw.NetnsIno,
		Funcs:         raw.NrProgTags,
		GPL:           raw.GplCompatible&firstBit != 0,
		XlatedLen:     raw.XlatedProgLen,
		JITedLen:      raw.JitedProgLen,
		BTFID:         raw.BtfId,
		VerifiedInsns: raw.VerifiedInsns,
		AttachBTFObj:  raw.AttachBtfObjId,
		AttachBTFID:   raw.AttachBtfId,
		Stats: Stats{
			Runs:            raw.RunCnt,
			RunTime:         time.Duration(raw.RunTimeNs),
			RecursionMisses: raw.RecursionMisses,
		},
	}
}

// ID is the kernel's number for the program. Requires Linux 4.13.
func (p *Program) ID() (uint32, error) {
	var raw sys.ProgInfo
	err := p.with("id", func(fd int) error { return sys.ObjGetInfoByFD(fd, &raw) })
	return raw.Id, err
}

// EnableStats makes the kernel count and time the runs of every program, until
// the returned handle is closed. It costs some tens of nanoseconds a run.
// Requires Linux 5.8 and CAP_SYS_ADMIN.
func EnableStats() (*StatsHandle, error) {
	fd, err := sys.EnableStats(&sys.EnableStatsAttr{Type: uint32(sys.BPF_STATS_RUN_TIME)})
	if err != nil {
		return nil, mkerr.Wrap("prog: enable statistics: %w", privileged(err, diagnose.SysAdmin))
	}
	return &StatsHandle{fd}, nil
}

// StatsHandle keeps statistics enabled.
type StatsHandle struct{ fd *sys.FD }

// Close ends the counting, unless others have enabled it too. It is safe to
// call more than once.
func (h *StatsHandle) Close() error { return h.fd.Close() }
