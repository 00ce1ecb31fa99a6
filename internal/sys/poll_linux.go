package sys

import "golang.org/x/sys/unix"

// EpollCreate makes an epoll instance.
func EpollCreate() (*FD, error) {
	return newFD("epoll_create1", func() (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) })
}

// EpollAdd watches fd for events; key comes back with them.
func EpollAdd(epoll, fd int, events uint32, key int32) error {
	if err := before("epoll_ctl"); err != nil {
		return err
	}
	ev := unix.EpollEvent{Events: events, Fd: key}
	return wrapErrno("epoll_ctl", unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &ev))
}

// EpollDelete ends watching fd.
func EpollDelete(epoll, fd int) error {
	return wrapErrno("epoll_ctl", unix.EpollCtl(epoll, unix.EPOLL_CTL_DEL, fd, nil))
}

// EpollWait waits for at most timeout milliseconds (-1: for ever), fills events
// and gives their number. It blocks a thread.
func EpollWait(epoll int, events []EpollEvent, timeout int) (int, error) {
	buf := make([]unix.EpollEvent, len(events))
	for {
		n, err := unix.EpollWait(epoll, buf, timeout)
		if err == unix.EINTR {
			continue
		}
		for i := range max(n, 0) {
			events[i] = EpollEvent{buf[i].Events, buf[i].Fd}
		}
		return max(n, 0), wrapErrno("epoll_wait", err)
	}
}

// Eventfd makes an event counter, non-blocking.
func Eventfd() (*FD, error) {
	return newFD("eventfd2", func() (int, error) { return unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) })
}

// newFD owns what open gives.
func newFD(call string, open func() (int, error)) (*FD, error) {
	if err := before(call); err != nil {
		return nil, err
	}
	for {
		raw, err := open()
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, wrapErrno(call, err)
		}
		return NewFD(raw)
	}
}
