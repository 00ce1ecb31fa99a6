package kernel

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// ReadNames finds the names of the symbols at exactly these addresses in
// /proc/kallsyms, in one pass; of several at one address, the first.
func ReadNames(root tree.Root, addrs []uint64) (map[uint64]string, error) {
	f, err := root.Open("proc/kallsyms")
	if err != nil {
		return nil, mkerr.Wrap("kernel symbols: %w", err)
	}
	defer f.Close()
	names, err := ParseNames(f, addrs)
	if err != nil {
		return nil, mkerr.Wrap("kernel symbols: %w", err)
	}
	return names, nil
}

// ParseNames is ReadNames on a text. Lines of no known form are passed over.
func ParseNames(r io.Reader, addrs []uint64) (map[uint64]string, error) {
	found := make(map[uint64]string, len(addrs))
	for _, a := range addrs {
		if a != 0 {
			found[a] = ""
		}
	}
	left := len(found)
	lines := bufio.NewReaderSize(r, kallsymsBuf)
	for left > 0 {
		line, err := lines.ReadSlice('\n')
		if len(line) > maxSymbolLine || errors.Is(err, bufio.ErrBufferFull) {
			return nil, mkerr.Errorf("line longer than %d bytes", maxSymbolLine)
		}
		if addr, name := addrName(line); name != nil {
			if have, ok := found[addr]; ok && have == "" {
				found[addr] = string(name)
				left--
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, mkerr.Wrap("read: %w", err)
		}
	}
	for a, name := range found {
		if name == "" {
			delete(found, a)
		}
	}
	return found, nil
}

// addrName splits "address type name[\t[module]]\n"; the name is nil if b is
// no such line.
func addrName(b []byte) (addr uint64, name []byte) {
	i := 0
	for ; i < len(b) && b[i] != ' '; i++ {
		d := hexDigit(b[i])
		if d > 15 || i >= 16 {
			return 0, nil
		}
		addr = addr<<4 | uint64(d)
	}
	if i == 0 || i+3 >= len(b) || b[i+2] != ' ' {
		return 0, nil
	}
	name = bytes.TrimRight(b[i+3:], "\n")
	if t := bytes.IndexByte(name, '\t'); t >= 0 {
		name = name[:t]
	}
	return addr, name
}
