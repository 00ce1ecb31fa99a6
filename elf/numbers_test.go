package elf

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestNumbers compares the kernel's numbers that stand in this package with
// those generated from the kernel's header. The generated file is read as
// text: this package and its tests stay away from system calls.
func TestNumbers(t *testing.T) {
	generated := constants(t, regexp.MustCompile(`(?m)^\t(BPF_\w+)\s+(?:\w+\s+)?= (\d+)$`),
		"../internal/sys/zenums.go", "../internal/sys/zconst.go")
	byCamel := make(map[string]uint64)
	for name, n := range generated {
		if rest, ok := strings.CutPrefix(name, "BPF_PROG_TYPE_"); ok {
			byCamel["prog"+camel(rest)] = n
		}
		byCamel["attach"+camel(strings.TrimPrefix(name, "BPF_"))] = n
	}
	here := constants(t, regexp.MustCompile(`(?m)^\t((?:prog|attach)[A-Z]\w*)\s+= (\d+)$`), "section_table.go")
	if len(here) < 80 {
		t.Errorf("%d constants found in section_table.go", len(here))
	}
	for name, n := range here {
		if want, ok := byCamel[name]; !ok || n != want {
			t.Errorf("%s = %d, the kernel has %d (known: %v)", name, n, want, ok)
		}
	}
	for name, n := range map[string]uint64{
		"BPF_MAP_TYPE_ARRAY":         mapArray,
		"BPF_MAP_TYPE_PROG_ARRAY":    mapProgArray,
		"BPF_MAP_TYPE_PERCPU_ARRAY":  mapPerCPUArray,
		"BPF_MAP_TYPE_ARRAY_OF_MAPS": mapArrayOfMaps,
		"BPF_MAP_TYPE_HASH_OF_MAPS":  mapHashOfMaps,
		"BPF_MAP_TYPE_STRUCT_OPS":    mapStructOps,
		"BPF_MAP_TYPE_ARENA":         mapArena,
		"BPF_F_RDONLY_PROG":          flagRdonlyProg,
		"BPF_F_MMAPABLE":             flagMmapable,
		"BPF_F_LINK":                 flagLink,
		"BPF_F_SLEEPABLE":            flagSleepable,
		"BPF_F_XDP_HAS_FRAGS":        flagXDPHasFrags,
	} {
		if want, ok := generated[name]; !ok || n != want {
			t.Errorf("%s = %d, the kernel has %d (known: %v)", name, n, want, ok)
		}
	}
}

// constants collects names and numbers that pattern finds in files.
func constants(t *testing.T, pattern *regexp.Regexp, files ...string) map[string]uint64 {
	t.Helper()
	all := make(map[string]uint64)
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(src), -1) {
			n, err := strconv.ParseUint(m[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			all[m[1]] = n
		}
	}
	return all
}
