/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A user-space tracepoint: the shared header brings weak maps and weak externs. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 hits;
long first_arg;

SEC("usdt")
int on_usdt(struct pt_regs *ctx)
{
	bpf_usdt_arg(ctx, 0, &first_arg);
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
	return 0;
}
