/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Kernel functions of vmlinux: called, tested for, by flavour, from subprograms, absent, and of another type. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* A forward declaration would be another type. */
struct bpf_cpumask {
	int usage;
};

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_rcu_read_lock___flavour(void) __ksym __weak;
extern void bpf_rcu_read_unlock___flavour(void) __ksym __weak;
extern void bpf_rcu_read_lock___strict(int how) __ksym __weak;
extern int skep_absent_kfunc(int x) __ksym __weak;

extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_set_cpu(unsigned int cpu, struct bpf_cpumask *mask) __ksym;
extern bool bpf_cpumask_test_cpu(unsigned int cpu, const void *mask) __ksym __weak;
extern bool bpf_cpumask_test_cpu___typed(unsigned int cpu, const struct bpf_cpumask *mask) __ksym;

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

__u64 masks, bits, tasks;

/* The call is in a subprogram, twice. */
static __noinline void locked(void)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
}

SEC("tc")
int called(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	locked();
	return 11;
}

/* Returns a bit for each function that is there: 1 and 2, not 4 and 8. */
SEC("tc")
int exists(struct __sk_buff *skb)
{
	int there = 0;

	if (bpf_rcu_read_lock___flavour && bpf_rcu_read_unlock___flavour) {
		bpf_rcu_read_lock___flavour();
		bpf_rcu_read_unlock___flavour();
		there |= 3;
	}
	if (bpf_rcu_read_lock___strict) {
		bpf_rcu_read_lock___strict(1);
		there |= 4;
	}
	if (skep_absent_kfunc)
		there |= skep_absent_kfunc(8);
	return there;
}

SEC("tp_btf/sys_enter")
int cpumask(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return 0;
	bpf_cpumask_set_cpu(0, mask);
	bits = bpf_cpumask_test_cpu___typed(0, mask);
	bpf_cpumask_release(mask);
	masks++;
	return 0;
}

SEC("tp_btf/sys_enter")
int task(void *ctx)
{
	struct task_struct *p = bpf_task_acquire(bpf_get_current_task_btf());

	if (p) {
		tasks += p->pid != 0;
		bpf_task_release(p);
	}
	return 0;
}

/* Nothing keeps the call from being reached. */
SEC("?tc")
int poisoned(struct __sk_buff *skb)
{
	return skep_absent_kfunc(skb->len);
}
