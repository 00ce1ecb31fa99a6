/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Code that only some kernels reach: each kind of test that a program can make of the kernel it is on. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

enum bpf_map_type___local {
	BPF_MAP_TYPE_SKEP_ABSENT = 4000,
	BPF_MAP_TYPE_RINGBUF___local = 4001, /* Linux 5.8 */
};

extern int LINUX_KERNEL_VERSION __kconfig;
extern void skep_absent(void) __ksym __weak;

const volatile int wanted = 0;
__u64 last;

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* bpf_ktime_get_tai_ns is of Linux 6.1. */

/* By a constant of the object. */
SEC("raw_tp/sys_enter")
int by_constant(void *ctx)
{
	if (wanted)
		last = bpf_ktime_get_tai_ns();
	return 0;
}

/* By the kernel's release. */
SEC("raw_tp/sys_enter")
int by_release(void *ctx)
{
	if (LINUX_KERNEL_VERSION >= KERNEL_VERSION(6, 1, 0))
		last = bpf_ktime_get_tai_ns();
	else
		last = bpf_ktime_get_ns();
	return 0;
}

/* By an enumerator that no kernel has. */
SEC("raw_tp/sys_enter")
int by_absent(void *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_map_type___local, BPF_MAP_TYPE_SKEP_ABSENT))
		last = bpf_ktime_get_tai_ns();
	return 0;
}

/* By one that some have. */
SEC("raw_tp/sys_enter")
int by_enum(void *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_map_type___local, BPF_MAP_TYPE_RINGBUF___local))
		last = bpf_ktime_get_tai_ns();
	return 0;
}

/* By a weak symbol. */
SEC("raw_tp/sys_enter")
int by_symbol(void *ctx)
{
	if (skep_absent)
		last = bpf_ktime_get_tai_ns();
	return 0;
}
