/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Ring buffers: a size that is no power of two, a declared record type, and a program that fills them from test runs. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct event {
	__u64 seq;
	__u32 len;
	__u32 cpu;
};

/* Keeps struct event in the object's BTF. */
const struct event *unused_event __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} small SEC(".maps");

__u64 seq, dropped;

SEC("socket")
int emit(struct __sk_buff *skb)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		dropped++;
		return 0;
	}
	e->seq = seq++;
	e->len = skb->len;
	e->cpu = bpf_get_smp_processor_id();
	bpf_ringbuf_submit(e, 0);
	return 1;
}

/* Discards every second record; submits the others without waking the reader. */
SEC("socket")
int emit_quiet(struct __sk_buff *skb)
{
	struct event *e = bpf_ringbuf_reserve(&small, sizeof(*e), 0);

	if (!e) {
		dropped++;
		return 0;
	}
	e->seq = seq++;
	e->len = skb->len;
	e->cpu = bpf_get_smp_processor_id();
	if (e->seq & 1)
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 1;
}
