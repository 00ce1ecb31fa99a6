/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Maps in maps with slots filled at load, and a tail-call table filled with programs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer_array SEC(".maps") = {
	.values = { &inner_a, 0, &inner_b },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 3);
		__type(key, __u32);
		__type(value, __u32);
	});
} outer_hash SEC(".maps");

int tail_one(struct __sk_buff *skb);
int tail_two(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} jumps SEC(".maps") = {
	.values = { [0] = &tail_one, [2] = &tail_two },
};

SEC("socket")
int tail_one(struct __sk_buff *skb)
{
	return 1;
}

SEC("socket")
int tail_two(struct __sk_buff *skb)
{
	return 2;
}

SEC("socket")
int entry(struct __sk_buff *skb)
{
	__u32 key = skb->len & 3;
	void *map = bpf_map_lookup_elem(&outer_array, &key);
	__u64 *value;

	if (map) {
		value = bpf_map_lookup_elem(map, &key);
		if (value)
			(*value)++;
	}
	map = bpf_map_lookup_elem(&outer_hash, &key);
	if (map)
		bpf_map_delete_elem(map, &key);
	bpf_tail_call(skb, &jumps, key);
	return 0;
}
