/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Section names that are no program type: what is before a slash decides, or who loads it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("xdp/lo")
int device(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("socket1")
int numbered(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("kprobe_sys_bpf")
int underscore(void *ctx)
{
	return 0;
}
