package probe

import (
	"errors"

	"github.com/skepbpf/skep/internal/sys"
	"github.com/skepbpf/skep/internal/version"
)

// lifted calls load once more if it was refused for what may be
// RLIMIT_MEMLOCK: kernels before 5.11 charge maps and programs to it, also
// those of probes, and say EPERM. Whether this kernel does is what a probe
// would have to find out, so that its release has to answer.
func lifted(load func() (*sys.FD, error)) (*sys.FD, error) {
	fd, err := load()
	if errors.Is(err, sys.EPERM) && liftMemlock() {
		return load()
	}
	return fd, err
}

// liftMemlock reports whether there may be no limit any more that was there.
// One that is lifted already may have been so by another goroutine just now.
func liftMemlock() bool {
	release, _, _, err := sys.Uname()
	if err != nil {
		return false
	}
	v, err := version.Parse(release)
	if err != nil || v.AtLeast(version.V{Major: 5, Minor: 11}) {
		return false
	}
	const infinity = ^uint64(0)
	soft, _, err := sys.Memlock()
	return err == nil && (soft == infinity || sys.SetMemlock(infinity, infinity) == nil)
}
