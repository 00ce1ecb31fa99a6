/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Switches in .rodata and .kconfig choose between maps, functions and the targets of tail calls. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile bool use_hash; /* where packets are counted */
const volatile bool audit;    /* a global function, and what it alone uses */
const volatile __u32 jump;    /* element of steps, 0: none */
const volatile __u64 limit = 0x123456789abcdefULL;
extern bool CONFIG_SKEP_TRACE __kconfig __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} by_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} by_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} trail SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [1] = &inner },
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} traced SEC(".maps");

/* Nothing here refers to it: user space alone has a use for it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} for_others SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} of_two SEC(".maps");

int step_one(struct __sk_buff *skb);
int step_two(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} steps SEC(".maps") = {
	.values = { [1] = (void *)&step_one, [2] = (void *)&step_two },
};

static __u64 bump(void *map, __u32 key)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(map, &key);

	if (n)
		return ++*n;
	bpf_map_update_elem(map, &key, &one, BPF_ANY);
	return 1;
}

__noinline int audited(__u32 len)
{
	__u32 key = 1;
	void *m = bpf_map_lookup_elem(&outer, &key);

	if (m)
		key = bump(m, 0);
	return 1000 * bump(&trail, len) + key;
}

static __noinline int trace(__u32 len)
{
	return 100000 * bump(&traced, 0) + len;
}

SEC("tc")
int entry(struct __sk_buff *skb)
{
	__u32 len = skb->len, key = len & 7;
	__u64 sum;

	if (use_hash)
		sum = bump(&by_hash, key);
	else
		sum = bump(&by_array, key);
	if (audit)
		sum += audited(len);
	if (CONFIG_SKEP_TRACE)
		sum += trace(len);
	if (len > limit)
		sum = 0;
	return sum;
}

/* A program of its own: few JITs take tail calls beside functions. */
SEC("tc")
int jumper(struct __sk_buff *skb)
{
	if (jump)
		bpf_tail_call(skb, &steps, jump);
	return 7;
}

SEC("tc")
int step_one(struct __sk_buff *skb)
{
	return 1;
}

SEC("tc")
int step_two(struct __sk_buff *skb)
{
	return 2 + bump(&of_two, 0);
}
