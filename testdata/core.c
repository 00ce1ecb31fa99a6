/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* All 13 kinds of CO-RE relocation against types every kernel has, with flavours, bitfields, arrays and absent names. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define CORE __attribute__((preserve_access_index))

struct list_head {
	struct list_head *next, *prev;
} CORE;

struct mm_struct;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct list_head tasks;
	unsigned int sched_reset_on_fork : 1;
	int exit_code;
} CORE;

/* Flavours: the kernel renamed state to __state in 5.14. */
struct task_struct___old {
	volatile long state;
} CORE;

struct task_struct___new {
	unsigned int __state;
} CORE;

struct task_struct___absent {
	int skep_no_such_field;
} CORE;

struct skep_no_such_type {
	int x;
} CORE;

typedef int (*skep_no_such_func)(int);

enum bpf_map_type___local {
	BPF_MAP_TYPE_RINGBUF___local = 1000,
	BPF_MAP_TYPE_SKEP_ABSENT = 2000,
};

struct file___partial {
	unsigned int f_mode;
} CORE;

__u64 out_pid, out_state, out_flags, out_bits, out_size, out_ids, out_enum, out_match;
bool out_exists[6];
char out_comm[16];
int out_index;

SEC("raw_tp/sys_enter")
int fields(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct task_struct *parent;

	out_pid = BPF_CORE_READ(t, pid);
	out_flags = BPF_CORE_READ(t, real_parent, tgid);
	BPF_CORE_READ_STR_INTO(&out_comm, t, comm);
	if (bpf_core_field_exists(((struct task_struct___new *)0)->__state))
		out_state = BPF_CORE_READ((struct task_struct___new *)t, __state);
	else
		out_state = BPF_CORE_READ((struct task_struct___old *)t, state);
	out_bits = BPF_CORE_READ_BITFIELD_PROBED(t, sched_reset_on_fork);
	out_size = bpf_core_field_size(t->comm) + bpf_core_field_offset(struct task_struct, tasks.prev);
	out_exists[0] = bpf_core_field_exists(t->exit_code);
	out_exists[1] = bpf_core_field_exists(((struct task_struct___absent *)t)->skep_no_such_field);
	bpf_core_read(&parent, sizeof(parent), &t->tasks.next);
	return 0;
}

/* A direct load through a BTF pointer: offset and size of a memory access are patched. */
SEC("tp_btf/sched_process_exit")
int direct(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];

	out_pid = t->pid;
	out_flags = t->real_parent->tgid;
	out_bits = BPF_CORE_READ_BITFIELD(t, sched_reset_on_fork);
	out_exists[0] = t->comm[3];
	return 0;
}

SEC("raw_tp/sys_enter")
int types(void *ctx)
{
	out_exists[2] = bpf_core_type_exists(struct task_struct);
	out_exists[3] = bpf_core_type_exists(struct skep_no_such_type);
	out_exists[4] = bpf_core_type_exists(skep_no_such_func);
	out_size = bpf_core_type_size(struct task_struct) + bpf_core_type_size(struct skep_no_such_type);
	out_ids = bpf_core_type_id_local(struct task_struct) + bpf_core_type_id_kernel(struct task_struct);
	out_match = bpf_core_type_matches(struct file___partial) + 2 * bpf_core_type_matches(struct skep_no_such_type);
	return 0;
}

SEC("raw_tp/sys_enter")
int enums(void *ctx)
{
	out_exists[5] = bpf_core_enum_value_exists(enum bpf_map_type___local, BPF_MAP_TYPE_SKEP_ABSENT);
	if (bpf_core_enum_value_exists(enum bpf_map_type___local, BPF_MAP_TYPE_RINGBUF___local))
		out_enum = bpf_core_enum_value(enum bpf_map_type___local, BPF_MAP_TYPE_RINGBUF___local);
	return 0;
}

/* The read of an absent field is poisoned and guarded: the verifier must see it as dead. */
SEC("raw_tp/sys_enter")
int guarded(void *ctx)
{
	struct task_struct___absent *t = (void *)bpf_get_current_task();

	if (bpf_core_field_exists(t->skep_no_such_field))
		out_index = BPF_CORE_READ(t, skep_no_such_field);
	return 0;
}
