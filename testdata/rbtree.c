/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A tree whose root is a variable, ordered by a callback. Linux 6.6. */
#include "graph.h"

char LICENSE[] SEC("license") = "GPL";

struct leaf {
	int value;
	struct bpf_rb_node node;
};

#define PRIVATE SEC(".data.tree") __hidden __attribute__((aligned(8)))

PRIVATE struct bpf_spin_lock lock;
PRIVATE struct bpf_rb_root root __contains(leaf, node);

extern int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
			       bool (*less)(struct bpf_rb_node *, const struct bpf_rb_node *), void *meta, __u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node) __ksym;

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return holder_of(a, struct leaf, node)->value < holder_of(b, struct leaf, node)->value;
}

static __always_inline int add(int value)
{
	struct leaf *l = new(struct leaf);

	if (!l)
		return -1;
	l->value = value;
	bpf_spin_lock(&lock);
	bpf_rbtree_add_impl(&root, &l->node, less, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}

static __always_inline int least(void)
{
	struct bpf_rb_node *node;
	struct leaf *l;
	int value;

	bpf_spin_lock(&lock);
	node = bpf_rbtree_first(&root);
	if (!node) {
		bpf_spin_unlock(&lock);
		return 0;
	}
	node = bpf_rbtree_remove(&root, node);
	bpf_spin_unlock(&lock);
	if (!node)
		return 0;
	l = holder_of(node, struct leaf, node);
	value = l->value;
	drop(l);
	return value;
}

/* Digits in the order of the tree. */
SEC("tc")
int in_order(struct __sk_buff *skb)
{
	int digits;

	if (add(5) || add(3) || add(8))
		return -1;
	digits = least();
	digits = digits * 10 + least();
	digits = digits * 10 + least();
	return digits * 10 + least();
}
