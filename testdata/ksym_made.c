/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A typeless symbol that no kernel has: what /proc/kallsyms says of it is made up. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern const void skep_symbol __ksym;

SEC("tc")
int low(struct __sk_buff *skb)
{
	return (__u64)&skep_symbol;
}
