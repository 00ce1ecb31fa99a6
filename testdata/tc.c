/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Traffic control: tcx hooks and the older classifier and action. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 ingress_packets, egress_packets, classified;

SEC("tcx/ingress")
int ingress(struct __sk_buff *skb)
{
	__atomic_fetch_add(&ingress_packets, 1, __ATOMIC_RELAXED);
	return -1; /* TCX_NEXT */
}

SEC("tcx/egress")
int egress(struct __sk_buff *skb)
{
	__atomic_fetch_add(&egress_packets, 1, __ATOMIC_RELAXED);
	return -1;
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	__atomic_fetch_add(&classified, 1, __ATOMIC_RELAXED);
	return 0; /* TC_ACT_OK */
}

SEC("action")
int act(struct __sk_buff *skb)
{
	return 0;
}
