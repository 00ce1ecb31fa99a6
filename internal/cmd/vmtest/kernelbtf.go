package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Debian's kernel for s390x is built without CONFIG_DEBUG_INFO_BTF. Users of
// such a kernel bring the few types that their programs need; vmtest makes them
// of the headers that Debian builds modules of that release with: the C that
// follows, compiled for the kernel's architecture and configuration, so that
// sizes and offsets are the kernel's, and turned into BTF by the BPF backend,
// which writes no other types than those of btfSource.
const btfSource = `
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/mm_types.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/bpf.h>
struct task_struct skep_task_struct;
struct mm_struct skep_mm_struct;
struct signal_struct skep_signal_struct;
struct cred skep_cred;
struct file skep_file;
enum bpf_map_type skep_bpf_map_type;
`

// Tools that make BTF, and Debian's packages of them.
const (
	clang, clangPackage = "clang-22", "clang-22"
	llc, llcPackage     = "llc-22", "llvm-22"
)

// headersArch is the kernel's name of an architecture; triple is clang's, and
// bpf the backend of its byte order.
var headersArch = map[string]struct{ name, triple, bpf string }{
	"s390x": {"s390", "s390x-linux-gnu", "bpfeb"},
}

// btf is the kernel's file of BTF; another source has another.
func (k *kernel) btf() string {
	return filepath.Join(k.dir, fmt.Sprintf("btf-%08x", crc32.ChecksumIEEE([]byte(btfSource))))
}

// makeBTF writes the kernel's file of BTF, unless it is there.
func (k *kernel) makeBTF(a *apt) error {
	if _, err := os.Stat(k.btf()); err == nil {
		return nil
	}
	fmt.Fprintf(os.Stderr, "vmtest: making BTF of %s\n", k.release)
	dir, err := os.MkdirTemp(k.dir, "headers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	own := "linux-headers-" + k.release
	common := strings.TrimSuffix(own, arches[k.arch].flavour) + "common"
	if err := a.unpack(dir, own, common); err != nil {
		return err
	}
	data, err := k.compileBTF(dir, filepath.Join(dir, "usr/src", own), filepath.Join(dir, "usr/src", common))
	if err != nil {
		return fmt.Errorf("BTF of %s: %w", k.release, err)
	}
	part := filepath.Join(dir, "btf")
	return errors.Join(os.WriteFile(part, data, 0o644), os.Rename(part, k.btf()))
}

// compileBTF turns btfSource into BTF with the headers of two packages.
func (k *kernel) compileBTF(dir, own, common string) ([]byte, error) {
	arch := headersArch[k.arch]
	source, bitcode, object := filepath.Join(dir, "btf.c"), filepath.Join(dir, "btf.bc"), filepath.Join(dir, "btf.o")
	if err := os.WriteFile(source, []byte(btfSource), 0o644); err != nil {
		return nil, err
	}
	// No other include paths than those of the kernel's own Makefile, and what
	// the compiler brings itself.
	resources, err := tool(clang, "-print-resource-dir")
	if err != nil {
		return nil, err
	}
	args := []string{"-target", arch.triple, "-g", "-O2", "-w", "-std=gnu11", "-fshort-wchar", "-fno-strict-aliasing",
		"-D__KERNEL__", "-nostdinc", "-isystem", filepath.Join(strings.TrimSpace(resources), "include")}
	machine := "arch/" + arch.name + "/include"
	for _, inc := range []string{
		filepath.Join(common, machine), filepath.Join(own, machine, "generated"),
		filepath.Join(common, "include"), filepath.Join(own, "include"),
		filepath.Join(common, machine, "uapi"), filepath.Join(own, machine, "generated/uapi"),
		filepath.Join(common, "include/uapi"), filepath.Join(own, "include/generated/uapi"),
	} {
		args = append(args, "-I"+inc)
	}
	for _, h := range []string{"compiler-version.h", "kconfig.h", "compiler_types.h"} {
		args = append(args, "-include", filepath.Join(common, "include/linux", h))
	}
	if _, err := tool(clang, append(args, "-emit-llvm", "-c", source, "-o", bitcode)...); err != nil {
		return nil, err
	}
	if _, err := tool(llc, "-march="+arch.bpf, "-filetype=obj", bitcode, "-o", object); err != nil {
		return nil, err
	}
	f, err := elf.Open(object)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := f.Section(".BTF")
	if s == nil {
		return nil, errors.New("the compiler wrote none")
	}
	return s.Data()
}

func tool(name string, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, stderr.String())
	}
	return string(out), nil
}
