package sysenc

import (
	"reflect"
	"unsafe"
)

// memory is the n bytes that the non-nil pointer p points to.
func memory(p reflect.Value, n int) []byte {
	return unsafe.Slice((*byte)(p.UnsafePointer()), n)
}
