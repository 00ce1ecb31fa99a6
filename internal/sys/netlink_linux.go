package sys

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// maxNetlink is the largest datagram the kernel sends (NLMSG_GOODSIZE is 8 KiB;
// a dump into a large buffer is at most 32 KiB, net/netlink/af_netlink.c).
const maxNetlink = 64 << 10

// netlink sends request, which must carry NLM_F_REQUEST and either NLM_F_ACK or
// NLM_F_DUMP, on a socket of its own. An NLMSG_ERROR is among the messages, its
// extended acknowledgement included: the caller decodes it.
func netlink(family int, request []byte) ([][]byte, error) {
	if len(request) < nlHeader {
		return nil, fmt.Errorf("netlink: request of %d bytes: %w", len(request), EINVAL)
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
