/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Programs that hook those of hooked.c; the target is given before they are loaded. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 entered, entered_global, entered_static;
__s64 returned, returned_global, returned_static;

SEC("freplace/verdict")
int replacement(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* The target's name, too, is given at load. */
SEC("?freplace")
int unnamed(struct xdp_md *ctx)
{
	return XDP_TX;
}

SEC("?freplace/verdict")
long mismatched(struct xdp_md *ctx, struct xdp_md *more)
{
	return XDP_PASS;
}

SEC("?freplace/doubled")
int of_static(int x)
{
	return x;
}

SEC("?freplace/verdicts")
int misspelt(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("fentry/hooked")
int entry(__u64 *ctx)
{
	entered++;
	return 0;
}

SEC("fexit/hooked")
int leave(__u64 *ctx)
{
	returned = (int)ctx[1];
	return 0;
}

SEC("fentry/verdict")
int entry_global(__u64 *ctx)
{
	entered_global++;
	return 0;
}

SEC("fexit/verdict")
int leave_global(__u64 *ctx)
{
	returned_global = (int)ctx[1];
	return 0;
}

SEC("fentry/doubled")
int entry_static(__u64 *ctx)
{
	entered_static = (int)ctx[0];
	return 0;
}

SEC("fexit/doubled")
int leave_static(__u64 *ctx)
{
	returned_static = (int)ctx[1];
	return 0;
}
