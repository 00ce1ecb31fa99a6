/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A timer in a map's value, and the callback that it runs. Linux 5.15. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct clock {
	struct bpf_timer timer;
	__u32 step;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

__u32 total;

static int tick(void *map, __u32 *key, struct clock *c)
{
	__sync_fetch_and_add(&total, c->step + *key);
	return 0;
}

SEC("tc")
int arm(struct __sk_buff *skb)
{
	struct clock zero = { .step = 5 }, *c;
	__u32 key = 30;

	bpf_map_update_elem(&clocks, &key, &zero, BPF_ANY);
	c = bpf_map_lookup_elem(&clocks, &key);
	if (!c || bpf_timer_init(&c->timer, &clocks, 1 /* CLOCK_MONOTONIC */))
		return 1;
	bpf_timer_set_callback(&c->timer, tick);
	return bpf_timer_start(&c->timer, 1000, 0) != 0;
}

SEC("tc")
int fired(struct __sk_buff *skb)
{
	return total;
}
