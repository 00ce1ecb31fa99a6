// Package mkerr makes errors as packages fmt and errors do, by functions of
// which a program has one copy. The compiler copies those of the standard
// library to every place that calls them.
package mkerr

import (
	"errors"
	"fmt"
)

// Errorf is fmt.Errorf. It is not inlined for the size of programs.
//
//go:noinline
func Errorf(format string, a ...any) error { return fmt.Errorf(format, a...) }

// Join is errors.Join. It is not inlined for the size of programs: each copy
// has two loops.
//
//go:noinline
func Join(errs ...error) error { return errors.Join(errs...) }
