package sys

import "golang.org/x/sys/unix"

// Memlock is the process's limit of locked memory, which kernels before 5.11
// charge maps and programs to. Bytes; RLIM_INFINITY is ^0.
func Memlock() (soft, hard uint64, err error) {
	var lim unix.Rlimit
	err = unix.Prlimit(0, unix.RLIMIT_MEMLOCK, nil, &lim)
	return uint64(lim.Cur), uint64(lim.Max), wrapErrno("prlimit", err)
}

// SetMemlock sets that limit. Raising hard needs CAP_SYS_RESOURCE.
func SetMemlock(soft, hard uint64) error {
	if err := before("prlimit"); err != nil {
		return err
	}
	lim := unix.Rlimit{Cur: soft, Max: hard}
	return wrapErrno("prlimit", unix.Prlimit(0, unix.RLIMIT_MEMLOCK, &lim, nil))
}

// Uname gives the kernel's release ("6.12.5-amd64"), its version text, which on
// some distributions holds the true release, and the machine ("x86_64").
func Uname() (release, version, machine string, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", "", "", wrapErrno("uname", err)
	}
	return NameString(u.Release[:]), NameString(u.Version[:]), NameString(u.Machine[:]), nil
}

// Capabilities is the effective set of the calling thread, a bit for each
// CAP_ number.
func Capabilities() (uint64, error) {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&hdr, &data[0])
	return uint64(data[0].Effective) | uint64(data[1].Effective)<<32, wrapErrno("capget", err)
}

// SocketAttachBPF attaches a socket filter (SO_ATTACH_BPF).
func SocketAttachBPF(sock, prog int) error { return sockopt(sock, unix.SO_ATTACH_BPF, prog) }

// SocketDetachBPF removes a socket filter.
func SocketDetachBPF(sock int) error { return sockopt(sock, unix.SO_DETACH_FILTER, 0) }

// SocketAttachReuseport gives a socket's reuseport group its program
// (SO_ATTACH_REUSEPORT_EBPF). Requires Linux 4.5.
func SocketAttachReuseport(sock, prog int) error {
	return sockopt(sock, unix.SO_ATTACH_REUSEPORT_EBPF, prog)
}

// SocketDetachReuseport removes it. Requires Linux 5.3.
func SocketDetachReuseport(sock int) error {
	return sockopt(sock, unix.SO_DETACH_REUSEPORT_BPF, 0)
}

func sockopt(sock, opt, val int) error {
	if err := before("setsockopt"); err != nil {
		return err
	}
	return wrapErrno("setsockopt", unix.SetsockoptInt(sock, unix.SOL_SOCKET, opt, val))
}
