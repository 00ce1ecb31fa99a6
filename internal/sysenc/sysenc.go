// Package sysenc turns Go values into the bytes the kernel keeps in maps and
// ring buffers, and back: native endian, in the memory layout of the Go type.
//
// It is the one place beside internal/sys that uses package unsafe: callers
// handle bytes, and whatever is reinterpreted has been checked to be free of
// pointers first.
package sysenc

import "unsafe"

// Bytes is the memory of *v. T must be plain: see LayoutOf.
func Bytes[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}

// SliceBytes is the memory of the elements of s. T must be plain: see LayoutOf.
func SliceBytes[T any](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), uintptr(len(s))*unsafe.Sizeof(s[0]))
}

// View is the start of b as a T, without a copy. It is nil if b is too short
// or not aligned for T. T must be plain: see LayoutOf.
func View[T any](b []byte) *T {
	var z T
	if uintptr(len(b)) < unsafe.Sizeof(z) {
		return nil
	}
	if unsafe.Sizeof(z) == 0 {
		return new(T)
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if uintptr(p)%unsafe.Alignof(z) != 0 {
		return nil
	}
	return (*T)(p)
}

// ViewSlice is as many Ts as b begins with, without a copy. It is nil if there
// is none or b is not aligned for T. T must be plain: see LayoutOf.
func ViewSlice[T any](b []byte) []T {
	p := View[T](b)
	if p == nil || unsafe.Sizeof(*p) == 0 {
		return nil
	}
	return unsafe.Slice(p, uintptr(len(b))/unsafe.Sizeof(*p))
}

// SizeOf is the size of T in bytes.
func SizeOf[T any]() int {
	var z T
	return int(unsafe.Sizeof(z))
}
