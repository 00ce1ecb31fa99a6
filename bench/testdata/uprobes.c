/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("uprobe.multi")
int probe(void *ctx)
{
	return 0;
}
