/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A callback that only a declaration tag names. Linux 6.7. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

void bpf_throw(__u64 cookie) __ksym;

char LICENSE[] SEC("license") = "GPL";

__attribute__((noinline)) int caught(__u64 cookie)
{
	return cookie + 2;
}

SEC("tc")
__attribute__((btf_decl_tag("exception_callback:caught")))
int throws(struct __sk_buff *skb)
{
	if (skb->len > 10)
		bpf_throw(40);
	return 1;
}
