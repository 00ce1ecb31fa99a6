/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Map values with fields the kernel knows by their type: spin lock and timer. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct locked {
	struct bpf_spin_lock lock;
	__u32 n;
	__u64 total;
};

struct timed {
	__u64 fired;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timers SEC(".maps");

SEC("tc")
int add(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *v = bpf_map_lookup_elem(&locks, &key);

	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	v->n++;
	v->total += skb->len;
	bpf_spin_unlock(&v->lock);
	return 0;
}

static int fire(void *map, __u32 *key, struct timed *v)
{
	v->fired++;
	return 0;
}

SEC("tc")
int arm(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *v = bpf_map_lookup_elem(&timers, &key);

	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &timers, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&v->timer, fire);
	bpf_timer_start(&v->timer, 1000, 0);
	return 0;
}
