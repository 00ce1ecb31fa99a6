/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Control group hooks. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 egress_packets, sockets, connects, events;

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	__atomic_fetch_add(&egress_packets, 1, __ATOMIC_RELAXED);
	return 1;
}

SEC("cgroup/sock_create")
int sock_create(struct bpf_sock *sk)
{
	__atomic_fetch_add(&sockets, 1, __ATOMIC_RELAXED);
	return 1;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	__atomic_fetch_add(&connects, 1, __ATOMIC_RELAXED);
	return 1;
}

SEC("cgroup/dev")
int dev(struct bpf_cgroup_dev_ctx *ctx)
{
	return 1;
}

SEC("sockops")
int on_sockops(struct bpf_sock_ops *ctx)
{
	__atomic_fetch_add(&events, 1, __ATOMIC_RELAXED);
	return 1;
}
