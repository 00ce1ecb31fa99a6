/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Iterators: tasks as text, and the elements of one map. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define CORE __attribute__((preserve_access_index))

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} CORE;

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
} CORE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *key;
	void *value;
} CORE;

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	static const char fmt[] = "%d %d %s\n";
	struct task_struct *t = ctx->task;
	__u64 args[3];

	if (!t)
		return 0;
	args[0] = t->tgid;
	args[1] = t->pid;
	args[2] = (__u64)t->comm;
	bpf_seq_printf(ctx->meta->seq, fmt, sizeof(fmt), args, sizeof(args));
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("iter/bpf_map_elem")
int elems(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;

	if (key && value)
		bpf_seq_write(ctx->meta->seq, key, sizeof(*key));
	return 0;
}
