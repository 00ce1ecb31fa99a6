package probe

import (
	"errors"
	"runtime"

	"github.com/skepbpf/skep/internal/kernel"
)

// wrapperPrefix is what the name of a system call's entry has between "__" and
// "_sys_" on kernels whose entries take one struct pt_regs
// (CONFIG_ARCH_HAS_SYSCALL_WRAPPER). Other architectures have none.
func wrapperPrefix(arch string) string {
	switch arch {
	case "amd64":
		return "x64"
	case "386":
		return "ia32"
	case "arm64", "s390x":
		return arch
	case "riscv64":
		return "riscv"
	}
	return ""
}

// trySyscallWrapper looks the entry of bpf(2) up among the kernel's symbols,
// whose names, unlike their addresses, everyone may read.
func trySyscallWrapper(*asker) error {
	prefix := wrapperPrefix(runtime.GOARCH)
	if prefix == "" {
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
