/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the kernel does not have is called, and read, only if a constant says so. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct task_struct {
	int skep_no_such_field;
} __attribute__((preserve_access_index));

const volatile int use_absent;
extern int skep_absent_kfunc(int x) __ksym;

SEC("tc")
int guarded(struct __sk_buff *skb)
{
	int n = 0;

	if (use_absent) {
		struct task_struct *t = (void *)bpf_get_current_task();

		bpf_probe_read_kernel(&n, sizeof(n), &t->skep_no_such_field);
		n += skep_absent_kfunc(skb->len);
	}
	return n + 3;
}
