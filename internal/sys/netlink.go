package sys

import (
	"encoding/binary"
	"fmt"
)

// Netlink families (linux/netlink.h).
const (
	netlinkRoute   = 0
	netlinkGeneric = 16
)

// NetlinkRoute sends one request to the route family and gives the kernel's
// messages in answer, each with its header. See Netlink.
func NetlinkRoute(request []byte) ([][]byte, error) { return netlink(netlinkRoute, request) }

// NetlinkGeneric is NetlinkRoute for the generic family.
func NetlinkGeneric(request []byte) ([][]byte, error) { return netlink(netlinkGeneric, request) }

// What this file knows of a message: struct nlmsghdr is length u32, type u16,
// flags u16, sequence u32, port u32, in native order.
const (
	nlHeader   = 16
	nlmsgError = 2
	nlmsgDone  = 3
	nlmMulti   = 2 // NLM_F_MULTI
)

// netlinkAnswer collects messages until the answer is complete.
type netlinkAnswer struct {
	seq      uint32
	messages [][]byte
	done     bool
}

// add splits one datagram. The answer is complete at NLMSG_DONE, NLMSG_ERROR
// (errno 0 is an acknowledgement) or a message that is not part of a dump and
// was not asked to be acknowledged: callers ask (NLM_F_ACK), so that is left
// to the error message that follows. Messages of other requests are skipped.
func (a *netlinkAnswer) add(b []byte) error {
	order := binary.NativeEndian
	for len(b) >= nlHeader && !a.done {
		n := uint64(order.Uint32(b))
		if n < nlHeader || n > uint64(len(b)) {
			return fmt.Errorf("netlink: message of %d bytes in %d: %w", n, len(b), EPROTO)
		}
		msg := b[:n:n]
		b = b[min((n+3)&^3, uint64(len(b))):]
		if order.Uint32(msg[8:]) != a.seq {
			continue
		}
		switch order.Uint16(msg[4:]) {
		case nlmsgDone:
			a.done = true
		case nlmsgError:
			a.done = true
			a.messages = append(a.messages, msg)
		default:
			a.messages = append(a.messages, msg)
		}
	}
	return nil
}
