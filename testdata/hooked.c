/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A program whose functions others hook (hooks.c): its own, a global and a static one. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int last;

static __noinline int doubled(int x)
{
	return 2 * x;
}

__noinline int verdict(struct xdp_md *ctx)
{
	volatile int v = XDP_DROP;

	return v;
}

__noinline int second_verdict(struct xdp_md *ctx)
{
	volatile int v = XDP_DROP;

	return v;
}

SEC("xdp")
int hooked(struct xdp_md *ctx)
{
	int v = verdict(ctx);

	last = doubled(v + 10);
	return v;
}

/* Another program of the same types. */
SEC("xdp")
int hooked_too(struct xdp_md *ctx)
{
	return second_verdict(ctx);
}
