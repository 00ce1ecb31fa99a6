// Package mkerr makes errors as packages fmt and errors do, by functions of
// which a program has one copy. The compiler copies those of the standard
// library to every place that calls them.
//
// Most errors name one thing and wrap one other. For them there are functions
// with arguments of these types: a call of one is half as large as a call that
// makes a list of interfaces. The format says what becomes of each argument in
// all of them; internal/archtest holds it against them.
package mkerr

import (
	"errors"
	"fmt"
)

// Errorf is fmt.Errorf. It is not inlined for the size of programs.
//
//go:noinline
func Errorf(format string, a ...any) error { return fmt.Errorf(format, a...) }

// Wrap is Errorf of an error.
//
//go:noinline
func Wrap(format string, err error) error { return Errorf(format, err) }

// WrapNamed is Errorf of a name and an error.
//
//go:noinline
func WrapNamed(format, name string, err error) error { return Errorf(format, name, err) }

// Named is Errorf of a name.
//
//go:noinline
func Named(format, name string) error { return Errorf(format, name) }

// Join is errors.Join. It is not inlined for the size of programs: each copy
// has two loops.
//
//go:noinline
func Join(errs ...error) error { return errors.Join(errs...) }
