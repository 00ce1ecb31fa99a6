/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A kernel variable declared with another type than the kernel's. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern const long bpf_prog_active[2] __ksym;

SEC("?raw_tp/sys_enter")
int other_type(void *ctx)
{
	const long *active = bpf_this_cpu_ptr(&bpf_prog_active);

	return active[1];
}

SEC("raw_tp/sys_enter")
int none(void *ctx)
{
	return 0;
}
