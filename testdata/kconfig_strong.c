/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* One program needs an option that no kernel has; the other does not. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern int CONFIG_SKEP_ABSENT __kconfig;

SEC("?socket")
int needs_absent(struct __sk_buff *skb)
{
	return CONFIG_SKEP_ABSENT;
}

SEC("socket")
int needs_none(struct __sk_buff *skb)
{
	return 1;
}
