/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Variables of which every CPU has its own, and ring buffers in a map. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000); /* neither a power of two nor of pages */
};

struct ring ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, int);
	__array(values, struct ring);
} rings SEC(".maps") = {
	.values = { &ring },
};

char LICENSE[] SEC("license") = "GPL";

__u64 counter SEC(".percpu") = 7;

SEC("socket")
int count(struct __sk_buff *skb)
{
	int key = 0;
	void *r = bpf_map_lookup_elem(&rings, &key);

	if (!r)
		return 0;
	counter++;
	return counter;
}
