/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Externs that are no option of the kernel's configuration: the loader answers them itself. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#ifndef STRENGTH
#define STRENGTH
#endif

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern int LINUX_KERNEL_VERSION __kconfig STRENGTH;
extern bool LINUX_HAS_BPF_COOKIE __kconfig STRENGTH;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig STRENGTH;

SEC("socket")
int version(struct __sk_buff *skb)
{
	return LINUX_KERNEL_VERSION;
}

SEC("socket")
int cookie(struct __sk_buff *skb)
{
	return LINUX_HAS_BPF_COOKIE;
}

SEC("socket")
int wrapper(struct __sk_buff *skb)
{
	return LINUX_HAS_SYSCALL_WRAPPER;
}
