package sys

// Netlink families (linux/netlink.h).
const (
	netlinkRoute   = 0
	netlinkGeneric = 16
)

// NetlinkRoute sends one request to the route family, on a socket of its own,
// and gives the kernel's messages in answer, each with its header. The request
// must carry NLM_F_REQUEST and either NLM_F_ACK or NLM_F_DUMP. An NLMSG_ERROR is
// among the messages, with its extended acknowledgement: what it says is the
// caller's to decode, and is no error here.
func NetlinkRoute(request []byte) ([][]byte, error) { return netlink(netlinkRoute, request) }

// NetlinkGeneric is NetlinkRoute for the generic family.
func NetlinkGeneric(request []byte) ([][]byte, error) { return netlink(netlinkGeneric, request) }
