/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Security hooks: a plain and a sleepable one that only count. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 opens, execs;

SEC("lsm/file_open")
int file_open(__u64 *ctx)
{
	__atomic_fetch_add(&opens, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("lsm.s/bprm_committed_creds")
int committed_creds(__u64 *ctx)
{
	__atomic_fetch_add(&execs, 1, __ATOMIC_RELAXED);
	return 0;
}
