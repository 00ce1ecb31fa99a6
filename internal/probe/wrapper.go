package probe

import (
	"errors"
	"runtime"

	"github.com/skepbpf/skep/internal/kernel"
)

// wrapperPrefix is what the name of a system call's entry has between "__" and
// "_sys_" on kernels whose entries take one struct pt_regs
// (CONFIG_ARCH_HAS_SYSCALL_WRAPPER). Other architectures have none.
var wrapperPrefix = map[string]string{
	"amd64":   "x64",
	"386":     "ia32",
	"arm64":   "arm64",
	"s390x":   "s390x",
	"riscv64": "riscv",
}

// trySyscallWrapper looks the entry of bpf(2) up among the kernel's symbols,
// whose names, unlike their addresses, everyone may read.
func trySyscallWrapper(*asker) error {
	prefix, ok := wrapperPrefix[runtime.GOARCH]
	if !ok {
		return errMissing
	}
	root := kernel.FS("/")
	wrapped := []string{"__" + prefix + "_sys_bpf"}
	syms, err := kernel.ReadSymbols(root, wrapped, kernel.ScanFound)
	if err != nil || len(syms.Found) > 0 {
		return err
	}
	// It is missing only if the table has the entry under another name.
	syms, err = kernel.ReadSymbols(root, []string{"sys_bpf", "SyS_bpf", "__se_sys_bpf"}, kernel.ScanAll)
	if err != nil {
		return err
	}
	if len(syms.Found) == 0 {
		return errors.New("bpf is not among the kernel's symbols")
	}
	return errMissing
}
