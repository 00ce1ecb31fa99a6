package kernel

import (
	"bytes"
	"io"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// Text is one function of /proc/kallsyms. Its bytes are good until the next.
type Text struct {
	Addr   uint64 // 0 if the kernel hides addresses
	Name   []byte
	Module []byte // empty for vmlinux
}

// EachText shows f every function of /proc/kallsyms, in one pass.
func EachText(root tree.Root, f func(*Text)) error {
	file, err := root.Open("proc/kallsyms")
	if err != nil {
		return mkerr.Wrap("kernel symbols: %w", err)
	}
	defer file.Close()
	if err := ParseTexts(file, f); err != nil {
		return mkerr.Wrap("kernel symbols: %w", err)
	}
	return nil
}

// ParseTexts is EachText on a text. Lines of no known form are passed over.
func ParseTexts(r io.Reader, f func(*Text)) error {
	var t Text
	return eachLine(r, func(line []byte, off int64) (bool, error) {
		if len(line) > maxSymbolLine {
			return false, bin.Errorf("kallsyms", off, "line longer than %d bytes", maxSymbolLine)
		}
		if addr, name := addrName(line); len(name) != 0 && isText(line) {
			t.Addr, t.Name, t.Module = addr, name, nil
			if i := bytes.LastIndexByte(line, '\t'); i >= 0 {
				t.Module = bytes.Trim(line[i+1:], "[]")
			}
			f(&t)
		}
		return true, nil
	})
}

// isText reports whether a line that addrName takes is about code: its letter is
// that of nm(1) for text, global, local or weak.
func isText(line []byte) bool {
	switch line[bytes.IndexByte(line, ' ')+1] {
	case 't', 'T', 'w', 'W':
		return true
	}
	return false
}
