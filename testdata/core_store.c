/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Built with -mcpu=v4, whose stores of constants are relocated too: against kernel/made.c, as core_made.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct made {
	unsigned long narrow;
	int same;
} __attribute__((preserve_access_index));

__attribute__((aligned(8))) unsigned char memory[160];

SEC("socket")
int store(struct __sk_buff *skb)
{
	struct made *m = (void *)memory;

	m->narrow = 9;
	m->same = 81;
	barrier();
	return *(unsigned short *)(memory + 24) * 100 + *(int *)(memory + 32);
}
