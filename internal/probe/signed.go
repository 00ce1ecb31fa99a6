package probe

import (
	"github.com/skepbpf/skep/internal/feature"
	"github.com/skepbpf/skep/internal/sys"
)

// ExclusiveMaps tells, as ProgType does, whether maps can belong to one
// program.
func ExclusiveMaps(token int) error {
	a := &asker{token: token}
	attr := sys.MapCreateAttr{
		MapType: sys.BPF_MAP_TYPE_ARRAY, KeySize: 4, ValueSize: 4, MaxEntries: 1,
		ExclProgHash: sys.BytesPtr(make([]byte, 32)), ExclProgHashSize: 32,
	}
	if token != 0 {
		attr.MapFlags, attr.MapTokenFd = sys.BPF_F_TOKEN_FD, int32(token)
	}
	fd, err := lifted(func() (*sys.FD, error) { return sys.MapCreate(&attr) })
	if err == nil {
		return fd.Close()
	}
	return since618(a.unsupported(err, "exclusive maps", createArray))
}

// Signed loads a program that returns 0, with a signature that is not its own.
// It gives a *feature.UnsupportedError if the kernel knows no signatures, and
// else what it says of this one.
func Signed(signature []byte, keyring int32, token int) error {
	a := &asker{token: token}
	p := socketFilter()
	p.signature, p.keyring = signature, keyring
	err := a.loads(p)
	if isAny(err, []error{sys.E2BIG}) { // a field behind the struct that it knows
		return since618(a.unsupported(err, "signed programs", loadSocketFilter))
	}
	return err
}

func since618(err error) error {
	if u, ok := err.(*feature.UnsupportedError); ok {
		u.Since = "6.18"
	}
	return err
}
