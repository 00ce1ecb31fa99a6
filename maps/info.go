package maps

import (
	"iter"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/diagnose"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// Info is what the kernel says of a map.
type Info struct {
	Name       string // up to 15 bytes; "" before Linux 4.15
	Type       Type
	ID         uint32
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	MapExtra   uint64 // Linux 5.16
	IfIndex    uint32
	BTF        uint32 // id of the BTF object that Key and Value belong to; 0 for none
	Key, Value btf.ID
	// VmlinuxValue is the kernel's type of a StructOps map.
	VmlinuxValue btf.ID
}

func readInfo(fd *sys.FD) (*Info, error) {
	raw, err := fd.Borrow()
	if err != nil {
		return nil, err
	}
	defer fd.Release()
	var mi sys.MapInfo
	if err := sys.ObjGetInfoByFD(raw, &mi); err != nil {
		return nil, err
	}
	return &Info{
		Name: sys.NameString(mi.Name[:]), Type: Type(mi.Type), ID: mi.Id,
		KeySize: mi.KeySize, ValueSize: mi.ValueSize, MaxEntries: mi.MaxEntries,
		Flags: mi.MapFlags, MapExtra: mi.MapExtra, IfIndex: mi.Ifindex,
		BTF: mi.BtfId, Key: btf.ID(mi.BtfKeyTypeId), Value: btf.ID(mi.BtfValueTypeId),
		VmlinuxValue: btf.ID(mi.BtfVmlinuxValueTypeId),
	}, nil
}

// Info asks the kernel. Requires Linux 4.13.
func (m *Map) Info() (*Info, error) {
	info, err := readInfo(m.fd)
	if err != nil {
		return nil, m.fail("info", err)
	}
	return info, nil
}

// byID explains a refusal of what takes an id.
func byID(err error) error {
	return diagnose.Explain(err, &diagnose.Ask{Needs: diagnose.SysAdmin})
}

// FromID opens the map with this id. Requires Linux 4.13 and CAP_SYS_ADMIN.
func FromID(id uint32) (*Map, error) {
	fd, err := sys.MapGetFDByID(&sys.GetIDAttr{StartId: id})
	if err != nil {
		return nil, mkerr.Errorf("map id %d: %w", id, byID(err))
	}
	return fromFD(fd, "")
}

// NextID is the smallest map id above id; ok is false after the last. Requires
// Linux 4.13 and CAP_SYS_ADMIN.
func NextID(id uint32) (next uint32, ok bool, err error) {
	attr := sys.GetIDAttr{StartId: id}
	switch err := sys.MapGetNextID(&attr); {
	case err == nil:
		return attr.NextId, true, nil
	case isErrno(err, sys.ENOENT):
		return 0, false, nil
	default:
		return 0, false, mkerr.Wrap("next map id: %w", byID(err))
	}
}

// All opens every map of the kernel in turn. Each belongs to the caller, who
// must close it. An error ends the sequence; maps that go away meanwhile are
// passed over.
func All() iter.Seq2[*Map, error] {
	return func(yield func(*Map, error) bool) {
		for id := uint32(0); ; {
			next, ok, err := NextID(id)
			if err != nil {
				yield(nil, err)
				return
			}
			if !ok {
				return
			}
			id = next
			m, err := FromID(id)
			if isErrno(err, sys.ENOENT) {
				continue
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}
