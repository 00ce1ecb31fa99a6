// Package kconfig turns kernel configuration into the bytes of .kconfig
// externs: what C declares as `extern int CONFIG_HZ __kconfig`.
//
// Values are what a kernel config file holds after the '=': y, n, m, a quoted
// string or a number. Which value fits which C type follows libbpf
// (tools/lib/bpf/libbpf.c: set_kcfg_value_tri, _str, _num).
package kconfig

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/skepbpf/skep/btf"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Externs that are not configuration options but facts about the kernel.
const (
	KernelVersion     = "LINUX_KERNEL_VERSION"
	HasBPFCookie      = "LINUX_HAS_BPF_COOKIE"
	HasSyscallWrapper = "LINUX_HAS_SYSCALL_WRAPPER"
)

// MayBeUnknown reports whether a weak extern of that name is 0 if nothing gives
// it a value: an option, or a fact about the kernel that a later loader may
// know. Any other name is a mistake.
func MayBeUnknown(name string) bool { return IsOption(name) || strings.HasPrefix(name, "LINUX_") }

// IsOption reports whether name is a configuration option, read from the
// kernel's config.
func IsOption(name string) bool { return strings.HasPrefix(name, "CONFIG_") }

// class is how a value is stored.
type class uint8

const (
	unsupported class = iota
	boolean
	char
	integer
	tristate
	charArray
)

var classNames = [...]string{"an unsupported type", "bool", "char", "an integer", "enum libbpf_tristate", "a char array"}

func (c class) String() string { return classNames[c] }

type shape struct {
	class  class
	size   int // bytes
	signed bool
}

// Values of enum libbpf_tristate (bpf_helpers.h).
const (
	triNo     = 0
	triModule = 2
	triYes    = 1
)

// maxString bounds char arrays, in bytes: elf takes no larger variable.
const maxString = 1 << 16

// shapeOf classifies the type id of an extern variable.
func shapeOf(types *btf.Spec, id btf.ID) shape {
	t, ok := types.Strip(id)
	if !ok {
		return shape{}
	}
	switch t.Kind() {
	case btf.KindInt:
		return intShape(t)
	case btf.KindEnum, btf.KindEnum64:
		if t.Name() == "libbpf_tristate" && t.Size() <= 8 {
			return shape{class: tristate, size: int(t.Size())}
		}
	case btf.KindArray:
		elem, _, n := t.Array()
		if n > 0 && n <= maxString && shapeOf(types, elem).class == char {
			return shape{class: charArray, size: int(n)}
		}
	}
	return shape{}
}

func intShape(t btf.Type) shape {
	size := int(t.Size())
	enc, _, _ := t.Int()
	s := shape{class: integer, size: size, signed: enc&btf.IntSigned != 0}
	switch {
	case enc&btf.IntBool != 0:
		s.class = boolean
		if size != 1 {
			s.class = unsupported
		}
	case size == 1:
		s.class = char
	case size != 2 && size != 4 && size != 8:
		s.class = unsupported
	}
	return s
}

// Encode gives the bytes of an extern of type id whose configuration value is
// text, in the byte order of types. A number stands for itself only where the
// extern is a char or an integer: 1 is not y.
func Encode(types *btf.Spec, id btf.ID, text string) ([]byte, error) {
	s := shapeOf(types, id)
	switch {
	case text == "y" || text == "n" || text == "m":
		return encodeTri(types.Order(), s, text[0])
	case strings.HasPrefix(text, `"`):
		return encodeString(s, text)
	}
	n, err := parseNumber(text)
	if err != nil {
		return nil, err
	}
	if s.class != char && s.class != integer {
		return nil, mkerr.Errorf("value %s: needs char or an integer, have %s", text, s.class)
	}
	return EncodeNumber(types, id, n)
}

// parseNumber reads what strtoull does for base 0, a sign included: decimal,
// hexadecimal ("0x1F") or octal ("017"). Go's own prefixes and underscores are
// none of a config file's.
func parseNumber(text string) (uint64, error) {
	digits := strings.TrimPrefix(text, "-")
	n, err := strconv.ParseUint(digits, 0, 64)
	if err != nil && errors.Is(err, strconv.ErrRange) {
		return 0, mkerr.Named("value %s: more than 64 bits", text)
	}
	if err != nil || strings.ContainsAny(digits, "_oO") || len(digits) > 1 && digits[1]|0x20 == 'b' {
		return 0, mkerr.Named("value %q: neither y, n, m, a string nor a number", text)
	}
	if digits != text {
		n = -n
	}
	return n, nil
}

// EncodeNumber gives the bytes of an extern of type id whose value is n; a
// negative value is its two's complement.
func EncodeNumber(types *btf.Spec, id btf.ID, n uint64) ([]byte, error) {
	s := shapeOf(types, id)
	switch s.class {
	case boolean, char, integer:
	default:
		return nil, mkerr.Errorf("value %d: needs bool, char or an integer, have %s", n, s.class)
	}
	if s.class == boolean && n > 1 || !inRange(s, n) {
		return nil, mkerr.Errorf("value %d: does not fit %s of %d bytes", int64(n), s.class, s.size)
	}
	return put(types.Order(), s.size, n), nil
}

func encodeTri(order binary.ByteOrder, s shape, v byte) ([]byte, error) {
	switch s.class {
	case boolean:
		switch v {
		case 'y':
			return []byte{1}, nil
		case 'n':
			return []byte{0}, nil
		}
	case tristate:
		n := map[byte]uint64{'y': triYes, 'm': triModule, 'n': triNo}[v]
		return put(order, s.size, n), nil
	case char:
		return []byte{v}, nil
	}
	return nil, mkerr.Errorf("value %c: needs enum libbpf_tristate, char or (for y and n) bool, have %s", v, s.class)
}

// encodeString strips the quotes; a string that is too long is cut, and always
// ends in a NUL.
func encodeString(s shape, text string) ([]byte, error) {
	if s.class != charArray {
		return nil, mkerr.Errorf("value %s: needs a char array, have %s", text, s.class)
	}
	if len(text) < 2 || !strings.HasSuffix(text, `"`) {
		return nil, mkerr.Named("value %s: unterminated string", text)
	}
	b := make([]byte, s.size)
	copy(b[:s.size-1], text[1:len(text)-1])
	return b, nil
}

func inRange(s shape, n uint64) bool {
	if s.size == 8 {
		return true
	}
	bits := uint(s.size) * 8
	if s.signed {
		return n+1<<(bits-1) < 1<<bits
	}
	return n>>bits == 0
}

func put(order binary.ByteOrder, size int, n uint64) []byte {
	b := make([]byte, 8)
	if order == binary.ByteOrder(binary.BigEndian) {
		order.PutUint64(b, n)
		return b[8-size:]
	}
	order.PutUint64(b, n)
	return b[:size]
}
