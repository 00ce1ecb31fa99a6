package sys

// Events of epoll.
const (
	EPOLLIN  = 0x1
	EPOLLERR = 0x8
	EPOLLHUP = 0x10
)

// EpollEvent says that a descriptor is ready. Key is what EpollAdd was given.
type EpollEvent struct {
	Events uint32
	Key    int32
}
