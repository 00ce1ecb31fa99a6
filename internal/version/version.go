// Package version holds kernel versions: parse, compare, print, encode.
package version

import (
	"fmt"
	"strconv"
	"strings"
)

// V is a kernel version: major, minor, patch.
type V struct{ Major, Minor, Patch uint16 }

// Parse reads the leading "major.minor[.patch]" of a release string such as
// "6.12.5-amd64". What follows the numbers is ignored.
func Parse(release string) (V, error) {
	var v V
	parts := [...]*uint16{&v.Major, &v.Minor, &v.Patch}
	rest := strings.TrimSpace(release)
	n := 0
	for n < len(parts) {
		i := 0
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
		}
		if i == 0 {
			break
		}
		u, err := strconv.ParseUint(rest[:i], 10, 16)
		if err != nil {
			return V{}, fmt.Errorf("kernel version %q: %w", release, err)
		}
		*parts[n] = uint16(u)
		n++
		rest = rest[i:]
		if n == len(parts) || !strings.HasPrefix(rest, ".") {
			break
		}
		rest = rest[1:]
	}
	if n < 2 {
		return V{}, fmt.Errorf("kernel version %q: want major.minor[.patch]", release)
	}
	return v, nil
}

// AtLeast reports whether v is w or newer.
func (v V) AtLeast(w V) bool { return v.Compare(w) >= 0 }

// Compare is negative if v is older than w, positive if newer, 0 if equal.
func (v V) Compare(w V) int {
	for _, d := range [...]int{
		int(v.Major) - int(w.Major),
		int(v.Minor) - int(w.Minor),
		int(v.Patch) - int(w.Patch),
	} {
		if d != 0 {
			return d
		}
	}
	return 0
}

// Code is v as KERNEL_VERSION() of linux/version.h encodes it: a patch level
// above 255 is stored as 255.
func (v V) Code() uint32 {
	return uint32(v.Major)<<16 | uint32(v.Minor&0xff)<<8 | uint32(min(v.Patch, 255))
}

// String is "6.12" or "6.12.5".
func (v V) String() string {
	if v.Patch == 0 {
		return fmt.Sprintf("%d.%d", v.Major, v.Minor)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}
