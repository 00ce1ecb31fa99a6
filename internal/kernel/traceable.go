package kernel

import (
	"bytes"
	"strings"

	"github.com/skepbpf/skep/internal/bin"
)

// Function is a function of the kernel that can be traced.
type Function struct {
	Name   string
	Module string // "" for the kernel itself
	Addr   uint64 // 0 if it is not known
}

// Files of tracefs that list the functions which ftrace can hook.
const (
	traceableAddrs = "available_filter_functions_addrs" // Linux 6.5
	traceableNames = "available_filter_functions"
)

// Traceable lists the functions that can be traced and for whose names match is
// true, with addresses where the kernel gives them: since Linux 6.5. match must
// not keep the name.
func (t *Tracefs) Traceable(match func(name []byte) bool) ([]Function, error) {
	b, err := t.ReadFile(traceableAddrs)
	if err == nil {
		return ParseTraceable(b, true, match)
	}
	b, err = t.ReadFile(traceableNames)
	if err != nil {
		return nil, err
	}
	return ParseTraceable(b, false, match)
}

// invalidFunction begins what stands for weak functions that were overridden
// (kernel/trace/ftrace.c, FTRACE_INVALID_FUNCTION).
const invalidFunction = "__ftrace_invalid_address__"

// ParseTraceable reads lines "[address ]name[ [module]][ more]".
func ParseTraceable(b []byte, addrs bool, match func(name []byte) bool) ([]Function, error) {
	var list []Function
	for at := 0; at < len(b); {
		line := b[at:]
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		f, name, ok := traceableLine(line, addrs)
		if !ok {
			return nil, bin.Errorf("traceable functions", int64(at), "not a function: %q", shorten(string(line)))
		}
		if len(name) > 0 && !bytes.HasPrefix(name, []byte(invalidFunction)) && match(name) {
			f.Name = string(name)
			list = append(list, f)
		}
		at += len(line) + 1
	}
	return list, nil
}

// traceableLine splits a line; an empty one has no name.
func traceableLine(b []byte, addrs bool) (f Function, name []byte, ok bool) {
	if len(b) == 0 {
		return f, nil, true
	}
	if addrs {
		i := 0
		for ; i < len(b) && b[i] != ' '; i++ {
			d := hexDigit(b[i])
			if d > 15 || i >= 16 {
				return f, nil, false
			}
			f.Addr = f.Addr<<4 | uint64(d)
		}
		if i == 0 || i == len(b) {
			return f, nil, false
		}
		b = b[i+1:]
	}
	name, rest, _ := bytes.Cut(b, []byte(" "))
	if len(name) == 0 || len(name) > maxSymbolLine {
		return f, nil, false
	}
	if len(rest) > 1 && rest[0] == '[' {
		if module, _, ok := strings.Cut(string(rest[1:min(len(rest), maxSymbolLine)]), "]"); ok {
			f.Module = module
		}
	}
	return f, name, true
}
