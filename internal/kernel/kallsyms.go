package kernel

import (
	"bytes"
	"io"

	"github.com/skepbpf/skep/internal/bin"
	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// Symbol is what /proc/kallsyms says of one asked name.
type Symbol struct {
	Addr uint64 // of the first entry; 0 if the kernel hides addresses
	Type byte   // nm(1) letter: 'T' text, 'd' local data, …
	// Other is the address of a later entry of the same name, if it differs
	// from Addr: the name alone does not identify the symbol.
	Other       uint64
	Ambiguous   bool
	Module      string // empty for vmlinux
	OtherModule string // of Other
}

// Symbols is the answer to ReadSymbols.
type Symbols struct {
	Found map[string]Symbol // asked names that exist
	// Hidden says that no entry had an address: kptr_restrict hides them all,
	// or the reader lacks CAP_SYSLOG.
	Hidden bool
}

// SymbolScan says how much of the table to read.
type SymbolScan uint8

const (
	// ScanAll reads to the end, so that Ambiguous can be trusted.
	ScanAll SymbolScan = iota
	// ScanFound stops once every name was seen: enough to know that it exists.
	ScanFound
)

// ReadSymbols looks names up in /proc/kallsyms, in one pass.
func ReadSymbols(root tree.Root, names []string, scan SymbolScan) (Symbols, error) {
	f, err := root.Open("proc/kallsyms")
	if err != nil {
		return Symbols{}, mkerr.Wrap("kernel symbols: %w", err)
	}
	defer f.Close()
	s, err := ParseSymbols(f, names, scan)
	if err != nil {
		return Symbols{}, mkerr.Wrap("kernel symbols: %w", err)
	}
	return s, nil
}

const (
	// kallsymsBuf is larger than what a read of a seq_file gives at a time.
	kallsymsBuf = 64 << 10
	// maxSymbolLine is KSYM_NAME_LEN (512) with room for address and module.
	maxSymbolLine = 4 << 10
)

// ParseSymbols reads lines "address type name[\t[module]]".
//
// A local data symbol ("d") may carry the suffix ".llvm.HASH" that ThinLTO
// gives to promoted statics: it answers to the name without it, as in libbpf.
func ParseSymbols(r io.Reader, names []string, scan SymbolScan) (Symbols, error) {
	p := symbolParser{want: make(map[string]int, len(names)), scan: scan}
	for _, n := range names {
		if _, dup := p.want[n]; !dup && n != "" {
			p.want[n] = len(p.names)
			p.names = append(p.names, n)
			p.lengths[min(len(n), len(p.lengths)-1)] = true
		}
	}
	p.syms = make([]Symbol, len(p.names))
	p.seen = make([]bool, len(p.names))
	p.left = len(p.names)
	if p.left == 0 {
		return Symbols{Found: map[string]Symbol{}}, nil
	}
	if err := p.read(r); err != nil {
		return Symbols{}, err
	}
	out := Symbols{Found: make(map[string]Symbol, len(p.names)-p.left), Hidden: p.lines > 0 && p.addrs == 0}
	for i, n := range p.names {
		if p.seen[i] {
			out.Found[n] = p.syms[i]
		}
	}
	return out, nil
}

type symbolParser struct {
	want    map[string]int
	lengths [64]bool // lengths that occur among the names, capped
	names   []string
	syms    []Symbol
	seen    []bool
	left    int
	lines   int
	addrs   uint64 // all addresses, or-ed
	scan    SymbolScan
}

func (p *symbolParser) read(r io.Reader) error {
	return eachLine(r, func(line []byte, off int64) (bool, error) {
		if !p.line(line) {
			return false, bin.Errorf("kallsyms", off, "not a symbol: %q", shorten(string(line)))
		}
		return p.left > 0 || p.scan == ScanAll, nil
	})
}

// eachLine shows each line of r, and where it begins, until each wants no more.
// The last one may lack its end.
func eachLine(r io.Reader, each func(line []byte, off int64) (more bool, err error)) error {
	buf := make([]byte, kallsymsBuf)
	have, off := 0, int64(0)
	for {
		n, err := r.Read(buf[have:])
		have += n
		used := 0
		for used < have {
			line := buf[used:have]
			if i := bytes.IndexByte(line, '\n'); i >= 0 {
				line = line[:i]
			} else if err != io.EOF {
				break
			}
			if more, bad := each(line, off+int64(used)); bad != nil || !more {
				return bad
			}
			used = min(used+len(line)+1, have)
		}
		have = copy(buf, buf[used:have])
		off += int64(used)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return mkerr.Wrap("read: %w", err)
		case have > maxSymbolLine:
			return bin.Errorf("kallsyms", off, "line longer than %d bytes", maxSymbolLine)
		}
	}
}

// line takes one line in; false if it is none.
func (p *symbolParser) line(b []byte) bool {
	var addr uint64
	i := 0
	for ; i < len(b) && b[i] != ' '; i++ {
		d := hexDigit(b[i])
		if d > 15 || i >= 16 {
			return false
		}
		addr = addr<<4 | uint64(d)
	}
	// "A T n" at the least
	if i == 0 || i+3 >= len(b) || b[i+2] != ' ' {
		return false
	}
	kind, name := b[i+1], b[i+3:]
	p.lines++
	p.addrs |= addr
	var module []byte
	if t := bytes.IndexByte(name, '\t'); t >= 0 {
		name, module = name[:t], bytes.Trim(name[t+1:], "[]")
	}
	if kind == 'd' {
		name = name[:beforeHash(name)]
	}
	if !p.lengths[min(len(name), len(p.lengths)-1)] {
		return true
	}
	at, ok := p.want[string(name)]
	if !ok {
		return true
	}
	s := &p.syms[at]
	if !p.seen[at] {
		p.seen[at] = true
		p.left--
		*s = Symbol{Addr: addr, Type: kind, Module: string(module)}
	} else if s.Addr != addr && !s.Ambiguous {
		s.Ambiguous, s.Other, s.OtherModule = true, addr, string(module)
	}
	return true
}

// beforeHash is the length of a name without the hash that ThinLTO appends
// behind ".llvm.".
func beforeHash(name []byte) int {
	for at := 0; ; at++ {
		dot := bytes.IndexByte(name[at:], '.')
		if dot < 0 {
			return len(name)
		}
		if at += dot; bytes.HasPrefix(name[at:], []byte(".llvm.")) {
			return at
		}
	}
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}
