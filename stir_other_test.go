//go:build !linux

package skep_test

import "testing"

func stir(t *testing.T) { t.Helper(); t.Fatal("no events of Linux here") }
