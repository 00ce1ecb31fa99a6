/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Functions of a module, dummy, traced: named with it and without, and ones that are not there. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 entered, left, found, multi;

SEC("fentry/dummy:dummy_setup")
int entry(void *ctx)
{
	__atomic_fetch_add(&entered, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("fexit/dummy:dummy_setup")
int leave(void *ctx)
{
	__atomic_fetch_add(&left, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("fentry/dummy_setup")
int in_some_module(void *ctx)
{
	__atomic_fetch_add(&found, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("kprobe.multi/dummy:dummy_set*")
int multi_probe(void *ctx)
{
	__atomic_fetch_add(&multi, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("fentry/vmlinux:vfs_read")
int in_vmlinux(void *ctx)
{
	return 0;
}

SEC("?fentry/skep_absent:dummy_setup")
int no_module(void *ctx)
{
	return 0;
}

SEC("?fentry/dummy:skep_absent")
int no_function(void *ctx)
{
	return 0;
}

SEC("?fentry/dummy:vfs_read")
int elsewhere(void *ctx)
{
	return 0;
}

