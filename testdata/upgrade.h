/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* An object in two versions: what stays, what grows, what is made anew. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The same in both: packets by hook. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counts SEC(".maps");

/* More entries, larger values, another order of members. */
struct flow {
#if VERSION == 1
	__u32 packets;
	__u32 last;
#else
	__u64 bytes;
	__u64 packets;
	__u32 last;
#endif
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64 * VERSION);
	__type(key, __u32);
	__type(value, struct flow);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

/* Larger: nobody's contents. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536 * VERSION);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

int tail(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, int(void *));
} calls SEC(".maps") = { .values = { (void *)&tail } };

static void count(__u32 hook)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &hook);
	struct flow *f;
	__u32 version = VERSION;

	if (n)
		__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
	f = bpf_map_lookup_elem(&flows, &hook);
	if (f) {
		__atomic_fetch_add(&f->packets, 1, __ATOMIC_RELAXED);
		f->last = version;
	}
}

SEC("xdp")
int tail(struct xdp_md *ctx)
{
	count(0);
	return XDP_PASS;
}

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &calls, 0);
	return XDP_PASS;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	count(1);
	return 1;
}

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	return 0;
}

#if VERSION == 2
SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *skb)
{
	count(2);
	return 1;
}
#endif
