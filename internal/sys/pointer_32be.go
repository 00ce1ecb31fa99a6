//go:build mips

package sys

import "unsafe"

// Pointer is a pointer in a struct that the kernel reads.
type Pointer struct {
	_ uint32
	p unsafe.Pointer
}
