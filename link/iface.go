package link

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/sys"
)

// interfaceIndex is the number of a network interface of the current network
// namespace that is given by name or by number.
func interfaceIndex(name string, index int) (uint32, error) {
	switch {
	case (name == "") == (index == 0):
		return 0, errors.New("want the name or the index of an interface")
	case index < 0 || index > math.MaxInt32:
		return 0, mkerr.Errorf("no interface has index %d", index)
	case index != 0:
		return uint32(index), nil
	}
	if err := checkIfname(name); err != nil {
		return 0, err
	}
	in, err := getInterface(name, 0)
	if err != nil {
		return 0, mkerr.WrapNamed("interface %s: %w", name, err)
	}
	return in.index, nil
}

// maxIfname is IFNAMSIZ, the NUL included.
const maxIfname = 16

// checkIfname refuses names that no interface can have (dev_valid_name).
func checkIfname(name string) error {
	if len(name) >= maxIfname || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n\v\f\r\x00") {
		return mkerr.Named("%q is no name of an interface", name)
	}
	return nil
}

// Numbers of linux/netlink.h, rtnetlink.h and if_link.h.
const (
	nlmsgError  = 2
	rtmNewLink  = 16
	rtmGetLink  = 18
	nlmRequest  = 1
	nlmAck      = 4
	nlHeader    = 16
	ifInfoMsg   = 16
	iflaIfname  = 3
	iflaExtMask = 29
	iflaXDP     = 43
	skipStats   = 8 // RTEXT_FILTER_SKIP_STATS

	xdpDrvProgID = 5
	xdpSKBProgID = 6
	xdpHWProgID  = 7

	nlaTypeMask = 0x3fff
)

// iface is what rtnetlink tells of an interface, as far as it is of use here.
type iface struct {
	index uint32
	xdp   [XDPOffload + 1]uint32 // program ids by mode
}

// getInterface asks rtnetlink about an interface of the network namespace that
// the thread is in. sysfs would answer for the namespace that it was mounted
// from.
func getInterface(name string, index uint32) (iface, error) {
	answers, err := sys.NetlinkRoute(getLinkRequest(name, index))
	if err != nil {
		return iface{}, err
	}
	for _, m := range answers {
		in, found, err := parseLink(m)
		if err != nil || found {
			return in, err
		}
	}
	return iface{}, bin.Errorf("rtnetlink", 0, "no answer")
}

func getLinkRequest(name string, index uint32) []byte {
	o := binary.NativeEndian
	b := make([]byte, nlHeader+ifInfoMsg, 64)
	o.PutUint16(b[4:], rtmGetLink)
	o.PutUint16(b[6:], nlmRequest|nlmAck)
	o.PutUint32(b[8:], 1) // sequence
	o.PutUint32(b[nlHeader+4:], index)
	b = appendAttr(b, iflaExtMask, o.AppendUint32(nil, skipStats))
	if name != "" {
		b = appendAttr(b, iflaIfname, append([]byte(name), 0))
	}
	o.PutUint32(b, uint32(len(b)))
	return b
}

// appendAttr appends a struct nlattr, padded to four bytes.
func appendAttr(b []byte, typ uint16, data []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(data)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// parseLink reads one message of the answer; false if it is only the
// acknowledgement.
func parseLink(m []byte) (iface, bool, error) {
	c := bin.NewCursor("rtnetlink", 0, m, binary.NativeEndian)
	c.Skip(4)
	typ := c.U16()
	c.Skip(10)
	switch typ {
	case nlmsgError:
		errno := -int32(c.U32())
		if err := c.Err(); err != nil || errno == 0 {
			return iface{}, false, err
		}
		return iface{}, false, sys.Errno(errno)
	case rtmNewLink:
	default:
		return iface{}, false, c.Err()
	}
	var in iface
	c.Skip(4)
	in.index = c.U32()
	c.Skip(8)
	err := eachAttr(c, func(typ uint16, data []byte) error {
		if typ != iflaXDP {
			return nil
		}
		return eachAttr(bin.NewCursor("rtnetlink XDP", 0, data, binary.NativeEndian), in.addXDP)
	})
	return in, err == nil, err
}

// addXDP takes in an attribute nested in IFLA_XDP.
func (in *iface) addXDP(typ uint16, data []byte) error {
	modes := [...]XDPMode{xdpDrvProgID: XDPNative, xdpSKBProgID: XDPGeneric, xdpHWProgID: XDPOffload}
	if int(typ) < len(modes) && modes[typ] != XDPDefault && len(data) >= 4 {
		in.xdp[modes[typ]] = binary.NativeEndian.Uint32(data)
	}
	return nil
}

// eachAttr calls f for each struct nlattr that is left.
func eachAttr(c *bin.Cursor, f func(typ uint16, data []byte) error) error {
	for c.Len() >= 4 {
		n, typ := c.U16(), c.U16()&nlaTypeMask
		if n < 4 {
			c.Failf("attribute of %d bytes", n)
			break
		}
		data := c.Bytes(uint64(n) - 4)
		if c.Err() != nil {
			break
		}
		if err := f(typ, data); err != nil {
			return err
		}
		c.Skip(min(uint64(-n&3), uint64(c.Len())))
	}
	return c.Err()
}
