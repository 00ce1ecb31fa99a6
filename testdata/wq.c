/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Work for a thread of the kernel, in a map's value. Linux 6.10; the kernel
 * function that sets the callback lost its last parameter in 7.0.
 */
#include "graph.h"

char LICENSE[] SEC("license") = "GPL";

struct job {
	struct bpf_wq work;
	__u32 step;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct job);
} jobs SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*work)(void *, int *, void *), unsigned int flags, void *aux) __ksym __weak;
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*work)(void *, int *, void *), unsigned int flags) __ksym __weak;

__u32 total;

static int work(void *map, int *key, void *value)
{
	struct job *j = value;

	__sync_fetch_and_add(&total, j->step + *key);
	return 0;
}

SEC("tc")
int start(struct __sk_buff *skb)
{
	struct job zero = { .step = 6 }, *j;
	__u32 key = 40;

	bpf_map_update_elem(&jobs, &key, &zero, BPF_ANY);
	j = bpf_map_lookup_elem(&jobs, &key);
	if (!j || bpf_wq_init(&j->work, &jobs, 0))
		return 1;
	if (bpf_wq_set_callback_impl) {
		if (bpf_wq_set_callback_impl(&j->work, work, 0, 0))
			return 2;
	} else if (bpf_wq_set_callback) {
		if (bpf_wq_set_callback(&j->work, work, 0))
			return 2;
	} else {
		return 3;
	}
	return bpf_wq_start(&j->work, 0) != 0;
}

SEC("tc")
int done(struct __sk_buff *skb)
{
	return total;
}
