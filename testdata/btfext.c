/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* .BTF.ext as compilers made it before CO-RE: build.sh cuts its header off after line_info. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __noinline int twice(int n)
{
	return n * 2;
}

SEC("socket")
int answer(struct __sk_buff *skb)
{
	return twice(skb->len) + 2;
}
