/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Programs for test runs: packet in and out, a context, a syscall program with an argument. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct args {
	__u64 a;
	__u64 b;
	__u64 sum;
};

SEC("xdp")
int flip(struct xdp_md *ctx)
{
	__u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (p + 14 > end)
		return XDP_ABORTED;
	p[0] ^= 0xff;
	return XDP_TX;
}

SEC("tc")
int mark(struct __sk_buff *skb)
{
	skb->mark = skb->mark + 1;
	return skb->len;
}

SEC("syscall")
int add(struct args *args)
{
	args->sum = args->a + args->b;
	return 7;
}

/* Replaced by an extension program. */
__noinline int replace_me(struct xdp_md *ctx)
{
	volatile int verdict = XDP_DROP;

	return verdict;
}

SEC("xdp")
int calls_replaceable(struct xdp_md *ctx)
{
	return replace_me(ctx);
}
