package sys

import "encoding/binary"

// PerfBit is the number of a one-bit field of struct perf_event_attr.
type PerfBit uint8

// Mask is the bit in PerfEventAttr.Bits: the compiler's layout of bit fields
// starts at the other end on big-endian machines.
func (b PerfBit) Mask() uint64 {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return 1 << (63 - b)
	}
	return 1 << b
}
