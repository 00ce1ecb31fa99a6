package prog

import (
	"encoding/binary"
	"strconv"

	"github.com/skepbpf/skep/asm"
	"github.com/skepbpf/skep/internal/digest"
	"github.com/skepbpf/skep/internal/mkerr"
)

// Keyring is where the kernel seeks the certificate of a Signature: one of the
// names below, or the serial number of a keyring. Number 2 and below 0 are no
// serial numbers.
type Keyring int32

// The keyrings with a name: VERIFY_USE_… of the kernel, and KEY_SPEC_… of
// linux/keyctl.h.
const (
	BuiltinKeyring     Keyring = 0  // certificates that the kernel was built with
	SecondaryKeyring   Keyring = 1  // these, and what they vouch for
	PlatformKeyring    Keyring = 2  // certificates of the firmware
	ThreadKeyring      Keyring = -1 // of the calling thread: not to be relied on in Go
	ProcessKeyring     Keyring = -2
	SessionKeyring     Keyring = -3
	UserKeyring        Keyring = -4 // of the user id
	UserSessionKeyring Keyring = -5
)

var keyrings = [...]string{
	"user session", "user", "session", "process", "thread", "builtin", "secondary", "platform",
}

// String is the keyring's name, or its number.
func (k Keyring) String() string {
	if i := int(k) + 5; i >= 0 && i < len(keyrings) {
		return keyrings[i]
	}
	return strconv.Itoa(int(k))
}

// indexed reports whether Insns name maps by place.
func (s *Spec) indexed() bool { return s.ByIndex || len(s.Signature) > 0 }

// usedMaps are the maps that Insns use, in the order of their first use: that
// of fd_array. It is not nil.
//
//go:noinline
func (s *Spec) usedMaps() []string {
	names := []string{}
next:
	for i := range s.Insns {
		ref := &s.Insns[i].Ref
		if ref.Kind != asm.RefMap && ref.Kind != asm.RefMapValue {
			continue
		}
		for _, n := range names {
			if n == ref.Name {
				continue next
			}
		}
		names = append(names, ref.Name)
	}
	return names
}

// firstMap is the place in fd_array of the first map: modules are before them,
// and have numbers from 1.
func (s *Spec) firstMap() int {
	if len(s.Modules) == 0 {
		return 0
	}
	return 1 + len(s.Modules)
}

// UsedMaps lists the maps that Insns use, in the order of their first use,
// which is that of their places if ByIndex is set.
func (s *Spec) UsedMaps() []string { return s.usedMaps() }

// Code gives the instructions as the kernel gets them if ByIndex is set,
// whether it is or not. They depend on nothing but s. order is that of the
// machine that they are for; nil is this machine's.
func (s *Spec) Code(order binary.ByteOrder) ([]byte, error) {
	c := *s
	c.ByIndex = true
	if err := c.checkIndexed(); err != nil {
		return nil, err
	}
	return c.image(operands{}, native(order))
}

// Digest is the SHA-256 by which the kernel knows the program where a map is
// exclusive to it: of the instructions as it gets them, without descriptors of
// maps (bpf_prog_calc_tag in kernel/bpf/core.c). It depends on ByIndex. order
// is as for Code.
func (s *Spec) Digest(order binary.ByteOrder) ([digest.Size]byte, error) {
	if err := s.checkIndexed(); err != nil {
		return [digest.Size]byte{}, err
	}
	order = native(order)
	code, err := s.image(operands{mapFD: func(string) (int, error) { return 0, nil }}, order)
	if err != nil {
		return [digest.Size]byte{}, err
	}
	forgetMaps(code, order)
	return digest.SHA256(code), nil
}

func native(order binary.ByteOrder) binary.ByteOrder {
	if order == nil {
		return binary.NativeEndian
	}
	return order
}

// forgetMaps zeroes both immediates of loads of a map by descriptor.
func forgetMaps(code []byte, order binary.ByteOrder) {
	const slot = 8
	big := order.Uint16([]byte{0, 1}) == 1
	for at := 0; at+2*slot <= len(code); at += slot {
		if asm.Opcode(code[at]) != asm.OpLoadImm64 {
			continue
		}
		src := asm.Reg(code[at+1] >> 4)
		if big {
			src = asm.Reg(code[at+1] & 0xf)
		}
		if src == asm.PseudoMapFD || src == asm.PseudoMapValue {
			order.PutUint32(code[at+4:], 0)
			order.PutUint32(code[at+slot+4:], 0)
		}
		at += slot
	}
}

// checkIndexed finds what would make the bytes depend on a descriptor all the
// same: there is no place for a module in the load of its variable.
func (s *Spec) checkIndexed() error {
	if !s.indexed() {
		return nil
	}
	for i := range s.Insns {
		ref := &s.Insns[i].Ref
		if n := int(ref.Addend) - 1; ref.Kind == asm.RefKsym && n >= 0 && n < len(s.Modules) {
			return mkerr.Errorf("insn %d: a variable of module %s is named by descriptor: such a program can be neither signed nor have maps of its own",
				i, s.Modules[n])
		}
	}
	return nil
}
