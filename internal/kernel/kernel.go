// Package kernel reads facts of the running kernel: release and version,
// possible CPUs, configuration, symbols, and where tracefs is.
//
// Every fact is read through a tree that stands for "/", so that a directory
// of recorded files gives the same answers; reading is kept apart from
// parsing.
package kernel

import (
	"strings"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
	"github.com/skepbpf/skep/internal/version"
)

// maxSmall bounds files that hold one line.
const maxSmall = 64 << 10

// ReadSmall reads at most maxSmall bytes. Files of procfs and sysfs report no
// useful size, and a root made by someone else may hold anything.
func ReadSmall(root tree.Root, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := bin.ReadUpTo(f, 512, maxSmall)
	if err != nil {
		return "", mkerr.WrapNamed("read %s: %w", name, err)
	}
	return string(b), nil
}

// Uname is what uname(2) says of the running kernel.
type Uname struct {
	Release string // such as "6.12.5-amd64"
	Version string // such as "#1 SMP PREEMPT_DYNAMIC Debian 6.12.5-1 (2024-12-15)"
}

// ReadUname reads release and version from procfs, which, unlike uname(2),
// does not lie to processes whose personality asks for a 2.6 kernel.
func ReadUname(root tree.Root) (Uname, error) {
	var u Uname
	for _, f := range [...]struct {
		name string
		to   *string
	}{{"proc/sys/kernel/osrelease", &u.Release}, {"proc/sys/kernel/version", &u.Version}} {
		s, err := ReadSmall(root, f.name)
		if err != nil {
			return Uname{}, mkerr.Wrap("kernel release: %w", err)
		}
		*f.to = strings.TrimSpace(s)
	}
	return u, nil
}

// Release is the kernel's release, the name under which its files are kept.
func Release(root tree.Root) (string, error) {
	u, err := ReadUname(root)
	return u.Release, err
}

// Version is the version that the kernel was compiled as, LINUX_VERSION_CODE:
// Ubuntu and Debian put something else into the release.
func Version(root tree.Root) (version.V, error) {
	signature, err := ReadSmall(root, "proc/version_signature")
	if err != nil {
		signature = "" // only Ubuntu has it, and hides it at times
	}
	u, err := ReadUname(root)
	if err != nil {
		return version.V{}, err
	}
	return ParseVersion(signature, u)
}

// ParseVersion applies the rules of libbpf's get_kernel_version: the last word
// of Ubuntu's /proc/version_signature ("Ubuntu 5.4.0-12.15-generic 5.4.8"),
// else what follows "Debian " in uname's version ("#1 SMP Debian 4.19.260-1"),
// else the release. The first two count only with all three numbers.
func ParseVersion(signature string, u Uname) (version.V, error) {
	if f := bin.Fields(signature); len(f) >= 3 {
		if v, ok := threeNumbers(f[2]); ok {
			return v, nil
		}
	}
	if _, s, ok := strings.Cut(u.Version, "Debian "); ok {
		if v, ok := threeNumbers(s); ok {
			return v, nil
		}
	}
	v, err := version.Parse(u.Release)
	if err != nil {
		return version.V{}, mkerr.Wrap("kernel release: %w", err)
	}
	return v, nil
}

// threeNumbers parses "major.minor.patch…", all three present.
func threeNumbers(s string) (version.V, bool) {
	dots, digits := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = true
			continue
		case c == '.' && digits && dots < 2:
			dots, digits = dots+1, false
			continue
		}
		break
	}
	if dots < 2 {
		return version.V{}, false
	}
	v, err := version.Parse(s)
	// version.Parse takes "1.2." as 1.2: the third number must be there.
	_, third, _ := strings.Cut(s, ".")
	_, third, _ = strings.Cut(third, ".")
	if err != nil || third == "" || third[0] < '0' || third[0] > '9' {
		return version.V{}, false
	}
	return v, true
}
