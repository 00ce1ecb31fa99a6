/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A list whose head is in a map's value, of objects that the program allocates. Linux 6.6. */
#include "graph.h"

char LICENSE[] SEC("license") = "GPL";

struct node {
	int value;
	struct bpf_list_node link;
};

struct queue {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(node, link);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct queue);
} queues SEC(".maps");

extern int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, __u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, __u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __ksym;

static __always_inline int push(struct queue *q, int value, bool front)
{
	struct node *n = new(struct node);

	if (!n)
		return -1;
	n->value = value;
	bpf_spin_lock(&q->lock);
	if (front)
		bpf_list_push_front_impl(&q->head, &n->link, 0, 0);
	else
		bpf_list_push_back_impl(&q->head, &n->link, 0, 0);
	bpf_spin_unlock(&q->lock);
	return 0;
}

static __always_inline int pop(struct queue *q)
{
	struct bpf_list_node *link;
	struct node *n;
	int value;

	bpf_spin_lock(&q->lock);
	link = bpf_list_pop_front(&q->head);
	bpf_spin_unlock(&q->lock);
	if (!link)
		return 0;
	n = holder_of(link, struct node, link);
	value = n->value;
	drop(n);
	return value;
}

/* Digits in the order of the list. */
SEC("tc")
int in_order(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct queue *q = bpf_map_lookup_elem(&queues, &key);
	int digits;

	if (!q || push(q, 2, false) || push(q, 3, false) || push(q, 1, true))
		return -1;
	digits = pop(q);
	digits = digits * 10 + pop(q);
	digits = digits * 10 + pop(q);
	return digits * 10 + pop(q);
}
