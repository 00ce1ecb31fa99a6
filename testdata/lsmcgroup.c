/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Security hooks of a cgroup: connecting is counted, and refused if the variable says so. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 connects, order;
__u32 refuse;

/* 1 allows, 0 is EPERM. */
SEC("lsm_cgroup/socket_connect")
int on_connect(__u64 *ctx)
{
	__atomic_fetch_add(&connects, 1, __ATOMIC_RELAXED);
	order = order * 10 + 1;
	return refuse ? 0 : 1;
}

SEC("lsm_cgroup/socket_connect")
int on_connect_too(__u64 *ctx)
{
	order = order * 10 + 2;
	return 1;
}

SEC("?lsm_cgroup/skep_absent")
int no_hook(__u64 *ctx)
{
	return 1;
}
