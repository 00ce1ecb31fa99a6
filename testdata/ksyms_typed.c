/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Typed kernel variables, per CPU and plain. The verifier looks their address
 * up by name, so a kernel without KALLSYMS_ALL refuses them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct rq {
	unsigned int nr_running;
} __attribute__((preserve_access_index));

extern const struct rq runqueues __ksym;
extern const int bpf_prog_active __ksym;

__u64 active, running;

SEC("raw_tp/sys_enter")
int per_cpu(void *ctx)
{
	const struct rq *rq = bpf_per_cpu_ptr(&runqueues, 0);

	if (rq)
		running = rq->nr_running;
	return 0;
}

SEC("raw_tp/sys_enter")
int this_cpu(void *ctx)
{
	active = *(const int *)bpf_this_cpu_ptr(&bpf_prog_active);
	return 0;
}

SEC("raw_tp/sys_enter")
int none(void *ctx)
{
	return 0;
}
