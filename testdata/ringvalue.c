/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A ring buffer that says what its records are: the kernel takes no value's size or type of one. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct record {
	__u32 a, b;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct record);
} records SEC(".maps");

SEC("socket")
int emit(struct __sk_buff *skb)
{
	struct record r = { 1, 2 };

	if (bpf_ringbuf_output(&records, &r, sizeof(r), 0))
		return 0;
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA);
}
