//go:build !(386 || arm || mips || mipsle)

package sys

import "unsafe"

// Pointer is a pointer in a struct that the kernel reads.
type Pointer struct{ p unsafe.Pointer }
