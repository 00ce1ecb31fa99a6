package maps

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/kernel"
	"github.com/skepbpf/skep/internal/step/upgrade"
	"github.com/skepbpf/skep/internal/sys"
)

// Shape is what of a map has to be the same for another one to stand in: sizes,
// flags, the layout of keys and values.
type Shape = upgrade.Map

// transient are flags of a descriptor, not of the map (bpf_map_flags_retain_permanent
// in include/linux/bpf.h), and of the call.
const transient = sys.BPF_F_RDONLY | sys.BPF_F_WRONLY | sys.BPF_F_TOKEN_FD | sys.BPF_F_VTYPE_BTF_OBJ_FD

// loose flags say how a map is kept, not what is in it.
const loose = NoPrealloc | NoCommonLRU | NUMANode | ZeroSeed | Mmapable | InnerMap | ReadOnlyProg | WriteOnlyProg

// contents says of a type what becomes of its elements when a map is replaced.
func (t Type) contents() upgrade.Contents {
	switch t {
	case Hash, LRUHash, PerCPUHash, LRUPerCPUHash, Array, PerCPUArray, LPMTrie, RHash:
		return upgrade.Copied
	case ProgArray:
		return upgrade.Loaded
	case PerfEventArray, RingBuf, UserRingBuf, XSKMap, InsnArray, StructOps:
		return upgrade.Given
	}
	return upgrade.Kept
}

func newShape(t Type, flags uint32) *Shape {
	s := &Shape{
		Type: uint32(t), TypeName: t.String(), Flags: flags &^ (transient | kernelAdded(t)),
		Contents: t.contents(), Loose: loose,
	}
	// array_map_meta_equal
	s.FixedSize = t == Array && flags&InnerMap == 0
	return s
}

// Shape is that of a map made from s.
func (s *Spec) Shape() *Shape {
	m := newShape(s.Type, s.Flags)
	m.KeySize, m.ValueSize, m.MaxEntries, m.Extra = s.KeySize, s.ValueSize, s.MaxEntries, s.MapExtra
	m.Types, m.Key, m.Value = s.Types, s.Key, s.Value
	if s.Freeze {
		m.Frozen = upgrade.Yes // a map that may be written can be frozen by its users
	}
	if s.Inner != nil {
		m.Inner = s.Inner.Shape()
	}
	return m
}

func (i *Info) shape() *Shape {
	m := newShape(i.Type, i.Flags)
	m.ID, m.KeySize, m.ValueSize, m.MaxEntries, m.Extra = i.ID, i.KeySize, i.ValueSize, i.MaxEntries, i.MapExtra
	return m
}

// Shape asks the kernel what the map is like. What it does not tell, or not
// without CAP_SYS_ADMIN, is left out: the types of keys and values (NoTypes
// says why), the form of inner maps. Whether a map is exclusive it tells nobody.
func (m *Map) Shape() (*Shape, error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	return m.shape(info, &Spec{Freeze: true, Inner: &Spec{}, Value: 1}), nil
}

// shape asks what counts for one that is made from want.
func (m *Map) shape(info *Info, want *Spec) *Shape {
	s := info.shape()
	if want.Key != 0 || want.Value != 0 {
		s.Types, s.NoTypes = info.types()
		s.Key, s.Value = info.Key, info.Value
	}
	if want.Freeze {
		s.Frozen = m.frozen()
	}
	if want.Inner != nil && info.Type.has(mapValues) {
		s.Inner = m.innerShape()
	}
	return s
}

// frozen reads what only procfs tells (bpf_map_show_fdinfo, Linux 5.2).
func (m *Map) frozen() upgrade.Known {
	raw, err := m.fd.Borrow()
	if err != nil {
		return upgrade.Untold
	}
	defer m.fd.Release()
	text, err := kernel.ReadSmall(kernel.FS("/"), "proc/self/fdinfo/"+strconv.Itoa(raw))
	if err != nil {
		return upgrade.Untold
	}
	switch {
	case strings.Contains(text, "frozen:\t1"):
		return upgrade.Yes
	case strings.Contains(text, "frozen:\t0"):
		return upgrade.No
	}
	return upgrade.Untold
}

// maxHoles bounds the search for an inner map in a sparse array.
const maxHoles = 64

// innerShape is that of the first map in a map of maps. The others are alike.
func (m *Map) innerShape() *Shape {
	key, id := make([]byte, m.keySize), make([]byte, 4)
	err := m.NextKey(nil, key)
	for range maxHoles {
		if err != nil {
			return nil
		}
		if m.elem(lookup, key, id, Any) == nil {
			break
		}
		next := make([]byte, m.keySize)
		err = m.NextKey(key, next)
		key = next
	}
	inner, err := FromID(binary.NativeEndian.Uint32(id))
	if err != nil {
		return nil
	}
	defer inner.Close()
	info, err := inner.Info()
	if err != nil {
		return nil
	}
	return inner.shape(info, &Spec{Value: 1})
}

// roundLRU makes the number of entries what the kernel makes of it.
func (s *Spec) roundLRU(cpus int) {
	if s.ownLRU() {
		s.MaxEntries = upgrade.RoundLRU(s.MaxEntries, uint32(cpus))
	}
}

// ownLRU reports whether each CPU has a list of its own.
func (s *Spec) ownLRU() bool {
	return (s.Type == LRUHash || s.Type == LRUPerCPUHash) && s.Flags&NoCommonLRU != 0
}
