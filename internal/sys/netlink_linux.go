package sys

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// maxNetlink is the largest datagram the kernel sends (NLMSG_GOODSIZE is 8 KiB;
// a dump into a large buffer is at most 32 KiB, net/netlink/af_netlink.c).
const maxNetlink = 64 << 10

// netlink is one request and its whole answer.
func netlink(family int, request []byte) ([][]byte, error) {
	if len(request) < nlHeader {
		return nil, fmt.Errorf("netlink: request of %d bytes: %w", len(request), EINVAL)
	}
	if flags := binary.NativeEndian.Uint16(request[6:]); flags&nlmAck == 0 && flags&nlmDump != nlmDump {
		// The end of the answer could not be told, and the wait not ended.
		return nil, fmt.Errorf("netlink: request without NLM_F_ACK or NLM_F_DUMP: %w", EINVAL)
	}
	fd, err := newFD("netlink socket", func() (int, error) {
		return unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	})
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	sock, err := fd.Borrow()
	if err != nil {
		return nil, err
	}
	defer fd.Release()
	// Best effort: kernels before 4.12 have no extended acknowledgements.
	_ = unix.SetsockoptInt(sock, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	if err := before("netlink send"); err != nil {
		return nil, err
	}
	if err := unix.Sendto(sock, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, wrapErrno("netlink send", err)
	}
	answer := netlinkAnswer{seq: binary.NativeEndian.Uint32(request[8:])}
	for !answer.done {
		buf := make([]byte, maxNetlink)
		n, _, err := unix.Recvfrom(sock, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return answer.messages, wrapErrno("netlink receive", err)
		}
		if err := answer.add(buf[:n:n]); err != nil {
			return answer.messages, err
		}
	}
	return answer.messages, nil
}

// What this package knows of a message: struct nlmsghdr is length u32, type u16,
// flags u16, sequence u32, port u32, in native order.
const (
	nlHeader   = 16
	nlmsgError = 2
	nlmsgDone  = 3
	nlmAck     = 4
	nlmDump    = 0x300
)

// netlinkAnswer collects messages until the answer is complete.
type netlinkAnswer struct {
	seq      uint32
	messages [][]byte
	done     bool
}

// add splits one datagram. The answer is complete at NLMSG_DONE, which ends a
// dump and may carry its errno, or at NLMSG_ERROR, of which errno 0 is the
// acknowledgement. Messages of other requests are skipped.
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
			if len(msg) >= nlHeader+4 {
				return newError("netlink dump", Errno(-int32(order.Uint32(msg[nlHeader:]))))
			}
		case nlmsgError:
			a.done = true
			a.messages = append(a.messages, msg)
		default:
			a.messages = append(a.messages, msg)
		}
	}
	return nil
}
