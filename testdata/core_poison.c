/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* An unguarded read of an absent field: the program must be refused, the error naming type and field. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct task_struct {
	int skep_no_such_field;
} __attribute__((preserve_access_index));

int out;

SEC("?raw_tp/sys_enter")
int poisoned(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	out = BPF_CORE_READ(t, skep_no_such_field);
	return 0;
}

SEC("raw_tp/sys_enter")
int sound(void *ctx)
{
	return 0;
}
