/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Pointers in a map's value: to what the program allocated, one object and an object in an object. Linux 6.6. */
#include "graph.h"

char LICENSE[] SEC("license") = "GPL";

struct coin {
	int value;
	int year;
};

struct purse {
	struct coin __kptr *coin;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct purse);
} purses SEC(".maps");

/* Returns what was there before. */
static __always_inline int put(__u32 key, int value)
{
	struct purse *p = bpf_map_lookup_elem(&purses, &key);
	struct coin *c;
	int before = 0;

	if (!p)
		return -1;
	c = new(struct coin);
	if (!c)
		return -2;
	c->value = value;
	c = bpf_kptr_xchg(&p->coin, c);
	if (c) {
		before = c->value;
		drop(c);
	}
	return before;
}

SEC("tc")
int stash(struct __sk_buff *skb)
{
	return put(1, 77) * 100 + put(1, 78);
}

SEC("tc")
int take(struct __sk_buff *skb)
{
	__u32 key = 1;
	struct purse *p = bpf_map_lookup_elem(&purses, &key);
	struct coin *c;
	int value;

	if (!p)
		return -1;
	c = bpf_kptr_xchg(&p->coin, 0);
	if (!c)
		return 0;
	value = c->value;
	drop(c);
	return value;
}
