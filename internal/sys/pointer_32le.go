//go:build 386 || arm || mipsle

package sys

import "unsafe"

// Pointer is a pointer in a struct that the kernel reads.
type Pointer struct {
	p unsafe.Pointer
	_ uint32
}
