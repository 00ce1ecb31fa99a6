/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Functions and a variable of a module that only the made-up kernel has. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct task_struct {
	int flags;
} __attribute__((preserve_access_index));

extern int skep_mod_kfunc(int flags, struct task_struct *p) __ksym;
extern int skep_mod_kfunc___again(int flags, struct task_struct *p) __ksym __weak;
extern int skep_mod_kfunc___other(struct task_struct *p) __ksym __weak;
extern const int skep_mod_percpu __ksym;
extern const void skep_mod_init __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("?tp_btf/sys_enter")
int calls(void *ctx)
{
	struct task_struct *p = bpf_get_current_task_btf();
	int n = 0;

	bpf_rcu_read_lock();
	n = skep_mod_kfunc(1, p);
	if (skep_mod_kfunc___again)
		n += skep_mod_kfunc___again(2, p);
	if (skep_mod_kfunc___other)
		n += skep_mod_kfunc___other(p);
	bpf_rcu_read_unlock();
	return n == 3;
}

SEC("?raw_tp/sys_enter")
int reads(void *ctx)
{
	const int *n = bpf_this_cpu_ptr(&skep_mod_percpu);

	return *n + ((long)&skep_mod_init == 7);
}
