/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* .ksyms externs: typeless and typed variables, kernel functions; present, and absent but weak. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern const void schedule __ksym;
extern const void skep_absent __ksym __weak;
extern const int skep_absent_typed __ksym __weak;

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void skep_absent_kfunc(int x) __ksym __weak;

__u64 text_addr, absent_addr = 1, seen;

SEC("raw_tp/sys_enter")
int typeless(void *ctx)
{
	text_addr = (__u64)&schedule;
	absent_addr = (__u64)&skep_absent;
	return 0;
}

SEC("raw_tp/sys_enter")
int typed_absent(void *ctx)
{
	if (&skep_absent_typed)
		seen = 2;
	return 0;
}

SEC("tp_btf/task_newtask")
int kfunc(__u64 *ctx)
{
	bpf_rcu_read_lock();
	seen++;
	bpf_rcu_read_unlock();
	if (skep_absent_kfunc)
		skep_absent_kfunc(1);
	return 0;
}
