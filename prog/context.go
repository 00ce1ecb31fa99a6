package prog

import "encoding/binary"

// Sizes of the contexts in Linux 7.3. Older kernels know less of them, and take
// what is zero beyond that.
const (
	skbSize      = 192 // struct __sk_buff
	xdpSize      = 24  // struct xdp_md
	skLookupSize = 72  // struct bpf_sk_lookup
)

func put32(b []byte, off int, v uint32) { binary.NativeEndian.PutUint32(b[off:], v) }
func put64(b []byte, off int, v uint64) { binary.NativeEndian.PutUint64(b[off:], v) }

// SKBContext is what a test run of a program on packets can be given of
// struct __sk_buff, and gives back. Requires Linux 5.2; some fields are newer.
type SKBContext struct {
	Mark           uint32 // Linux 5.5
	Priority       uint32
	IngressIfindex uint32 // Linux 5.11
	Ifindex        uint32 // Linux 5.8
	CB             [5]uint32
	Tstamp         uint64 // Linux 5.5
	WireLen        uint32 // Linux 5.5
	GSOSegs        uint32 // Linux 5.5
	GSOSize        uint32 // Linux 5.7
	HWTstamp       uint64 // Linux 5.16
}

// skbWords are the offsets of the 32-bit fields, in the order of words.
var skbWords = [...]int{8, 32, 36, 40, 48, 52, 56, 60, 64, 160, 164, 176}

func (c *SKBContext) words() [len(skbWords)]*uint32 {
	return [...]*uint32{
		&c.Mark, &c.Priority, &c.IngressIfindex, &c.Ifindex,
		&c.CB[0], &c.CB[1], &c.CB[2], &c.CB[3], &c.CB[4], &c.WireLen, &c.GSOSegs, &c.GSOSize,
	}
}

// Offsets of the 64-bit fields.
const (
	skbTstamp   = 152
	skbHWTstamp = 184
)

// Bytes is the context for RunOptions.Ctx.
func (c *SKBContext) Bytes() []byte {
	b := make([]byte, skbSize)
	for i, w := range c.words() {
		put32(b, skbWords[i], *w)
	}
	put64(b, skbTstamp, c.Tstamp)
	put64(b, skbHWTstamp, c.HWTstamp)
	return b
}

// ParseSKBContext reads RunResult.Ctx, of a run with CtxOut; what b does not
// reach to is 0.
func ParseSKBContext(b []byte) SKBContext {
	var c SKBContext
	full := make([]byte, skbSize)
	copy(full, b)
	for i, w := range c.words() {
		*w = binary.NativeEndian.Uint32(full[skbWords[i]:])
	}
	c.Tstamp = binary.NativeEndian.Uint64(full[skbTstamp:])
	c.HWTstamp = binary.NativeEndian.Uint64(full[skbHWTstamp:])
	return c
}

// XDPContext is what a test run of an XDP program can be given of struct
// xdp_md. Requires Linux 5.14.
type XDPContext struct {
	// Meta is how many bytes of the data are metadata before the packet: a
	// multiple of 4, at most 32 (255 since Linux 6.18).
	Meta uint32
	// Ifindex of the device that the packet is said to come from, which must
	// have the queue RxQueue; 0 is the loopback device.
	Ifindex, RxQueue uint32
}

// Bytes is the context for RunOptions.Ctx; size is the length of RunOptions.Data.
func (c *XDPContext) Bytes(size int) []byte {
	b := make([]byte, xdpSize)
	put32(b, 0, c.Meta)
	put32(b, 4, uint32(size))
	put32(b, 12, c.Ifindex)
	put32(b, 16, c.RxQueue)
	return b
}

// SKLookupContext is the packet that a test run of an SKLookup program finds a
// socket for. Requires Linux 5.14.
type SKLookupContext struct {
	Family   uint32 // AF_INET (2) or AF_INET6 (10)
	Protocol uint32 // IPPROTO_TCP (6) or IPPROTO_UDP (17)
	// Addresses in network byte order; of AF_INET, the first four bytes.
	Remote, Local         [16]byte
	RemotePort, LocalPort uint16 // as numbers
	Ifindex               uint32
}

// Bytes is the context for RunOptions.Ctx. After a run, the first eight bytes
// of RunResult.Ctx, with CtxOut, are the cookie of the socket that was chosen,
// 0 if none was.
func (c *SKLookupContext) Bytes() []byte {
	const inet6 = 10
	b := make([]byte, skLookupSize)
	put32(b, 8, c.Family)
	put32(b, 12, c.Protocol)
	if c.Family == inet6 {
		copy(b[20:36], c.Remote[:])
		copy(b[44:60], c.Local[:])
	} else {
		copy(b[16:20], c.Remote[:4])
		copy(b[40:44], c.Local[:4])
	}
	binary.BigEndian.PutUint16(b[36:], c.RemotePort)
	put32(b, 60, uint32(c.LocalPort))
	put32(b, 64, c.Ifindex)
	return b
}
