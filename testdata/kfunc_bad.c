/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Externs that no kernel resolves: each is the end of one program, not of the others. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern void bpf_rcu_read_lock(int how) __ksym;
struct task_struct;

extern int skep_absent_kfunc(int x) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern const void skep_absent_symbol __ksym;
extern const int skep_absent_variable __ksym;
extern const void name_show __ksym __weak; /* many a driver has one of its own */

SEC("?tc")
int wrong_type(struct __sk_buff *skb)
{
	bpf_rcu_read_lock(1);
	return 0;
}

SEC("?tp_btf/task_newtask")
int undefined_type(__u64 *ctx)
{
	bpf_task_release((void *)ctx[0]);
	return 0;
}

SEC("?tc")
int absent_func(struct __sk_buff *skb)
{
	return skep_absent_kfunc(1);
}

SEC("?tc")
int absent_symbol(struct __sk_buff *skb)
{
	return (long)&skep_absent_symbol;
}

SEC("?tc")
int absent_variable(struct __sk_buff *skb)
{
	return (long)&skep_absent_variable;
}

SEC("?tc")
int ambiguous(struct __sk_buff *skb)
{
	return &name_show != 0;
}

SEC("tc")
int needs_none(struct __sk_buff *skb)
{
	return 5;
}
