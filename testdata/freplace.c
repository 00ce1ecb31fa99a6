/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Takes the place of a global function of another program (see run.c). */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("freplace/replace_me")
int replacement(struct xdp_md *ctx)
{
	return XDP_PASS;
}
