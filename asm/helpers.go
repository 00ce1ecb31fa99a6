package asm

import (
	"fmt"
	"strings"
)

// FuncID numbers a helper of the kernel (enum bpf_func_id): the immediate of a
// Call.
type FuncID int32

// String gives the C name, such as "bpf_map_lookup_elem", or "helper#N" for a
// number that is not known.
func (f FuncID) String() string {
	if f > 0 && int(f) < len(helperNames) {
		return "bpf_" + helperNames[f]
	}
	return fmt.Sprintf("helper#%d", int32(f))
}

// HelperByName finds a helper by its C name, with or without "bpf_".
func HelperByName(name string) (FuncID, bool) {
	name = strings.TrimPrefix(name, "bpf_")
	for i, n := range helperNames {
		if i > 0 && n == name {
			return FuncID(i), true
		}
	}
	return 0, false
}
