//go:build !linux

package skep_test

import (
	"errors"
	"testing"
)

func stir(t *testing.T) { t.Helper(); t.Fatal("no events of Linux here") }

func setCongestion(uintptr, string) error { return errors.ErrUnsupported }

func call(*testing.T) {}
