/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Test runs of `ring` and `perf` each write one record of 64 bytes, whose first eight count them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct record {
	__u64 seq;
	__u64 rest[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

__u64 ring_seq, perf_seq;

SEC("socket")
int ring(struct __sk_buff *skb)
{
	struct record *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);

	if (!r)
		return 0;
	r->seq = ring_seq++;
	bpf_ringbuf_submit(r, 0);
	return 1;
}

SEC("socket")
int perf(struct __sk_buff *skb)
{
	struct record r = {};

	r.seq = perf_seq++;
	return !bpf_perf_event_output(skb, &samples, BPF_F_CURRENT_CPU, &r, sizeof(r));
}
