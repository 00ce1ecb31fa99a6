/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A typed per-CPU variable, and the address of a function, of what most kernels
 * have as a module (x_tables). The verifier looks the variable's address up by
 * name, so a kernel without KALLSYMS_ALL refuses it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct seqcount {
	unsigned int sequence;
} __attribute__((preserve_access_index));

extern const struct seqcount xt_recseq __ksym;
extern const struct seqcount xt_recseq_absent __ksym __weak;
extern const void xt_register_target __ksym;

__u64 address, sequence = 99, cpus;

SEC("raw_tp/sys_enter")
int per_cpu(void *ctx)
{
	const struct seqcount *s;

	s = bpf_per_cpu_ptr(&xt_recseq, 0);
	if (s)
		sequence = s->sequence;
	for (int cpu = 0; cpu < 4096; cpu++) {
		if (!bpf_per_cpu_ptr(&xt_recseq, cpu))
			break;
		cpus = cpu + 1;
	}
	if (&xt_recseq_absent)
		cpus = 0;
	return 0;
}

SEC("raw_tp/sys_enter")
int function(void *ctx)
{
	address = (__u64)&xt_register_target;
	return 0;
}
