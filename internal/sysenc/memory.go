package sysenc

import (
	"reflect"
	"unsafe"
)

// memory is the n bytes that the non-nil pointer p points to.
func memory(p reflect.Value, n int) []byte {
	return unsafe.Slice((*byte)(p.UnsafePointer()), n)
}

// sliceHeader is the memory of any slice. Data is a pointer, so that the
// garbage collector sees a store to it.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// SliceMemory is the memory of the elements of *s. S must be a slice of elem,
// and elem plain: a generic caller that knows S only as any type has checked
// both with package reflect, once.
func SliceMemory[S any](s *S, elem reflect.Type) []byte {
	h := (*sliceHeader)(unsafe.Pointer(s))
	return unsafe.Slice((*byte)(h.data), h.len*int(elem.Size()))
}

// GrowSlice makes *s n elements long, in place if it has the capacity, and
// gives their memory. The rules of SliceMemory hold.
func GrowSlice[S any](s *S, elem reflect.Type, n int) []byte {
	h := (*sliceHeader)(unsafe.Pointer(s))
	if h.cap < n {
		fresh := reflect.MakeSlice(reflect.SliceOf(elem), n, n)
		*h = sliceHeader{fresh.UnsafePointer(), n, n}
	}
	h.len = n
	return SliceMemory(s, elem)
}
