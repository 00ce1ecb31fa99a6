package sys

import "unsafe"

// Pointer is declared per word size and byte order: 8 bytes everywhere, as
// __aligned_u64 in the kernel's structs, of which 32-bit systems use the low
// half.

// PtrTo points at *v, and at nothing if v is nil. v must not hold Go pointers,
// other than in fields of type Pointer.
func PtrTo[T any](v *T) Pointer { return Pointer{p: unsafe.Pointer(v)} }

// BytesPtr points at the first byte of b; it is null if b has none.
func BytesPtr(b []byte) Pointer { return SlicePtr(b) }

// SlicePtr points at the first element of s; it is null if s has none.
func SlicePtr[T any](s []T) Pointer {
	if len(s) == 0 {
		return Pointer{}
	}
	return Pointer{p: unsafe.Pointer(unsafe.SliceData(s))}
}

// StringPtr points at a NUL-terminated copy of s. It is null if s is empty.
// What follows a NUL byte within s is not seen by the kernel.
//
//go:noinline
func StringPtr(s string) Pointer {
	if s == "" {
		return Pointer{}
	}
	return BytesPtr(append([]byte(s), 0))
}

// StringsPtr points at an array of pointers to NUL-terminated copies. The
// pointers are 8 bytes each: a 64-bit kernel reads its own word size, whatever
// the caller's.
func StringsPtr(list []string) Pointer {
	ptrs := make([]Pointer, len(list))
	for i, s := range list {
		ptrs[i] = BytesPtr(append([]byte(s), 0))
	}
	return SlicePtr(ptrs)
}

// Raw is the address, for tests that stand in for the kernel: to read or write
// what an attribute refers to.
func (p Pointer) Raw() unsafe.Pointer { return p.p }

// IsNull reports whether p points at nothing.
func (p Pointer) IsNull() bool { return p.p == nil }

// ObjName is s as the name of a map or program: cut to 15 bytes and followed
// by NUL. The kernel takes letters, digits, '_' and '.'; what else s has
// becomes '_' (kernel/bpf/syscall.c, bpf_obj_name_cpy).
//
//go:noinline
func ObjName(s string) (name [BPF_OBJ_NAME_LEN]byte) {
	n := copy(name[:len(name)-1], s)
	for i, c := range name[:n] {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.':
		default:
			name[i] = '_'
		}
	}
	return name
}

// NameString is the text of a NUL-terminated buffer: up to the first NUL.
//
//go:noinline
func NameString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
