package kernel

import (
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// maxMounts bounds the text of mountinfo that is read; a host with ten
// thousand containers writes about 10 MiB.
const maxMounts = 64 << 20

// Mounts lists where the file systems of type fstype are mounted, in the
// order of /proc/self/mountinfo.
func Mounts(root tree.Root, fstype string) ([]string, error) {
	f, err := root.Open("proc/self/mountinfo")
	if err != nil {
		return nil, mkerr.Wrap("mounts: %w", err)
	}
	defer f.Close()
	text, err := readAtMost(f, maxMounts)
	if err != nil {
		return nil, mkerr.Wrap("mounts: %w", err)
	}
	return ParseMounts(text, fstype), nil
}

// ParseMounts finds mounts of fstype in the text of a mountinfo file, whose
// lines Documentation/filesystems/proc.rst (section 3.5) describes:
//
//	36 35 98:0 /root /mount/point options [optional…] - type source options
//
// Bind mounts of a part of the file system (root other than "/") are left
// out, as are lines of another shape.
func ParseMounts(text []byte, fstype string) []string {
	var at []string
	for line := range strings.Lines(string(text)) {
		head, tail, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		if !ok {
			continue
		}
		if typ, _, _ := strings.Cut(tail, " "); typ != fstype {
			continue
		}
		var f [5]string
		for i := range f {
			f[i], head, ok = strings.Cut(head, " ")
		}
		if !ok || f[3] != "/" || !strings.HasPrefix(f[4], "/") {
			continue
		}
		at = append(at, unescape(f[4]))
	}
	return at
}

// unescape undoes the kernel's mangle_path: blank, tab, newline and backslash
// are written as a backslash and three octal digits.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }
