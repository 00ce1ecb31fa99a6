/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Global and static subprograms, one calling the other, shared by two programs; one static function per section. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int result;

static __noinline int square(int x)
{
	return x * x;
}

static __noinline int cube(int x)
{
	return square(x) * x;
}

__noinline int global_sum(int a, int b)
{
	return square(a) + b;
}

__hidden __noinline int hidden_double(int a)
{
	return global_sum(a, a);
}

SEC("socket")
int uses_all(struct __sk_buff *skb)
{
	result = cube(skb->len) + global_sum(skb->len, 2);
	return hidden_double(result);
}

SEC("socket")
int uses_one(struct __sk_buff *skb)
{
	result = square(skb->len);
	return result;
}

SEC("socket")
int uses_none(struct __sk_buff *skb)
{
	return skb->len;
}
