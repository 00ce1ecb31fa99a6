/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A global function that gets the context, by tag, in two programs of different types. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))

char LICENSE[] SEC("license") = "GPL";

__attribute__((noinline)) int hash(void *ctx __arg_ctx, int more)
{
	struct __sk_buff *skb = ctx;

	return (skb->protocol == 0) + more;
}

/* The verifier knows this one by its type. */
__attribute__((noinline)) int length(struct __sk_buff *skb __arg_ctx)
{
	return skb->len;
}

SEC("socket")
int by_tag(struct __sk_buff *skb)
{
	return hash(skb, 40) + length(skb);
}

SEC("tc")
int by_tag_too(struct __sk_buff *skb)
{
	return hash(skb, 50);
}
