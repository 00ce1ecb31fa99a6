package kernel

import (
	"strconv"
	"strings"

	"github.com/skepbpf/skep/internal/mkerr"
	"github.com/skepbpf/skep/internal/tree"
)

// maxCPU bounds CPU numbers: CONFIG_NR_CPUS is at most 8192 anywhere today.
const maxCPU = 1 << 16

// PossibleCPUs is the number of CPUs that the kernel could ever bring up: the
// number of values that each element of a per-CPU map has.
func PossibleCPUs(root tree.Root) (int, error) {
	cpus, err := readCPUs(root, "sys/devices/system/cpu/possible")
	return len(cpus), err
}

// OnlineCPUs lists the CPUs that are running now, ascending.
func OnlineCPUs(root tree.Root) ([]int, error) {
	return readCPUs(root, "sys/devices/system/cpu/online")
}

func readCPUs(root tree.Root, name string) ([]int, error) {
	s, err := ReadSmall(root, name)
	if err != nil {
		return nil, mkerr.Wrap("cpus: %w", err)
	}
	cpus, err := ParseCPUs(s)
	if err != nil {
		return nil, mkerr.WrapNamed("%s: %w", name, err)
	}
	return cpus, nil
}

// ParseCPUs parses a CPU list as Documentation/admin-guide/cputopology.rst
// writes it, such as "0-3,7". Ranges must ascend and not overlap.
func ParseCPUs(s string) ([]int, error) {
	var cpus []int
	next := 0
	for rest, more := strings.TrimSpace(s), true; more; {
		var r string
		r, rest, more = strings.Cut(rest, ",")
		lo, hi, isRange := strings.Cut(r, "-")
		if !isRange {
			hi = lo
		}
		first, err1 := strconv.ParseUint(lo, 10, 31)
		last, err2 := strconv.ParseUint(hi, 10, 31)
		if err1 != nil || err2 != nil || first > last || last >= maxCPU || int(first) < next {
			return nil, mkerr.Errorf("cpu list %q: bad range %q", shorten(s), shorten(r))
		}
		for c := int(first); c <= int(last); c++ {
			cpus = append(cpus, c)
		}
		next = int(last) + 1
	}
	return cpus, nil
}

// shorten keeps errors about hostile input readable.
func shorten(s string) string {
	if s = strings.TrimSpace(s); len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
