package compat

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// mapName is what the kernel would keep of a map's name, with a data section's
// prefix (a piece of the object's name) taken off.
func mapName(s string) string {
	if i := strings.IndexByte(s, '.'); i > 0 {
		s = s[i:]
	}
	return s[:min(len(s), 15)]
}

// sameMap compares two such names; prefixes may have cost one of them its end.
func sameMap(a, b string) bool {
	return a == b || strings.HasPrefix(a, ".") && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) && min(len(a), len(b)) > 4
}

// Calls of what was not resolved carry a number that each loader chooses:
// a base, and an index into its own table. They are never executed.
const (
	unresolvedMap   = 2001000000
	unresolvedKfunc = 2002000000
	unresolvedSpan  = 1000000
)

const (
	opWide = 0x18 // BPF_LD | BPF_IMM | BPF_DW
	opCall = 0x85 // BPF_JMP | BPF_CALL

	pseudoCall = 1 // src_reg of opCall
	pseudoFunc = 4 // src_reg of opWide
)

// code gives access to the slots of an image.
type code struct {
	*image
	starts []int // first slots of functions, sorted
}

func newCode(im *image) code {
	c := code{image: im, starts: []int{0}}
	for _, f := range im.Funcs {
		c.starts = append(c.starts, int(f))
	}
	for i := 0; i < c.slots(); i++ {
		if to, ok := c.target(i); ok {
			c.starts = append(c.starts, to)
		}
		if c.Insns[i*8] == opWide {
			i++
		}
	}
	slices.Sort(c.starts)
	c.starts = slices.Compact(c.starts)
	return c
}

func (c code) slots() int        { return len(c.Insns) / 8 }
func (c code) slot(i int) []byte { return c.Insns[i*8 : i*8+8] }
func (c code) imm(i int) int32 {
	return int32(binary.NativeEndian.Uint32(c.Insns[i*8+4:]))
}

// src is the register nibble behind the opcode that is not dst: low on
// big-endian machines, high on others.
func (c code) src(i int) byte {
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		return c.Insns[i*8+1] & 15
	}
	return c.Insns[i*8+1] >> 4
}

// target returns the slot that a local call or function pointer names.
func (c code) target(i int) (int, bool) {
	op := c.Insns[i*8]
	if op == opCall && c.src(i) == pseudoCall || op == opWide && c.src(i) == pseudoFunc {
		return i + 1 + int(c.imm(i)), true
	}
	return 0, false
}

// end is the slot behind the function that begins at start.
func (c code) end(start int) int {
	i, _ := slices.BinarySearch(c.starts, start+1)
	if i < len(c.starts) {
		return c.starts[i]
	}
	return c.slots()
}

// difference names the first way in which two programs are not the same; ""
// if none. Subprograms may stand in another order: they are compared as calls
// reach them.
func difference(got, want *image) string {
	for _, f := range []struct {
		what      string
		got, want any
	}{
		{"type", got.Type, want.Type},
		{"attach type", got.Attach, want.Attach},
		{"flags", got.Flags, want.Flags},
		{"attach_btf_id", got.AttachBTF, want.AttachBTF},
		{"attach module", got.AttachModule, want.AttachModule},
		{"license", got.License, want.License},
		{"slots", len(got.Insns) / 8, len(want.Insns) / 8},
		{"functions in func_info", len(got.Funcs), len(want.Funcs)},
		{"records in line_info", got.Lines, want.Lines},
	} {
		if f.got != f.want {
			return fmt.Sprintf("%s: %v, libbpf has %v", f.what, f.got, f.want)
		}
	}
	a, b := newCode(got), newCode(want)
	pairs := map[int]int{0: 0}
	for work := []int{0}; len(work) > 0; work = work[1:] {
		more, diff := a.function(b, work[0], pairs)
		if diff != "" {
			return diff
		}
		work = append(work, more...)
	}
	if len(a.starts) != len(b.starts) {
		return fmt.Sprintf("functions: %d, libbpf has %d", len(a.starts), len(b.starts))
	}
	return ""
}

// function compares the function at start with its pair in b, and returns the
// functions that were met for the first time.
func (c code) function(b code, start int, pairs map[int]int) (more []int, diff string) {
	other := pairs[start]
	if n, m := c.end(start)-start, b.end(other)-other; n != m {
		return nil, fmt.Sprintf("function at %d: %d slots, libbpf's at %d has %d", start, n, other, m)
	}
	for i, j := start, other; i < c.end(start); i, j = i+1, j+1 {
		to, calls := c.target(i)
		to2, calls2 := b.target(j)
		if calls && calls2 {
			if known, ok := pairs[to]; !ok {
				pairs[to] = to2
				more = append(more, to)
			} else if known != to2 {
				return nil, fmt.Sprintf("slot %d calls the function at %d, libbpf another", i, to)
			}
			if c.Insns[i*8] != b.Insns[j*8] {
				return nil, fmt.Sprintf("slot %d: % x, libbpf % x", i, c.slot(i), b.slot(j))
			}
		} else if !sameMap(c.Refs[i], b.Refs[j]) {
			return nil, fmt.Sprintf("slot %d refers to map %q, libbpf to %q", i, c.Refs[i], b.Refs[j])
		} else if string(c.normal(i)) != string(b.normal(j)) {
			return nil, fmt.Sprintf("slot %d: % x, libbpf % x", i, c.slot(i), b.slot(j))
		}
		if c.Insns[i*8] == opWide {
			i, j = i+1, j+1
			if string(c.slot(i)) != string(b.slot(j)) {
				return nil, fmt.Sprintf("slot %d: % x, libbpf % x", i, c.slot(i), b.slot(j))
			}
		}
	}
	return more, ""
}

// normal is a slot with the loader's own number of something unresolved cut to its base.
func (c code) normal(i int) []byte {
	s := slices.Clone(c.slot(i))
	if s[0] != opCall {
		return s
	}
	for _, base := range []int32{unresolvedMap, unresolvedKfunc} {
		if n := c.imm(i); n >= base && n < base+unresolvedSpan {
			binary.NativeEndian.PutUint32(s[4:], uint32(base))
		}
	}
	return s
}
