/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Kernel functions that are in a module, or in vmlinux, as the kernel was
 * configured: a connection is made, found and given back.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct bpf_ct_opts___local {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

struct nf_conn___init {
	int use;
};

extern struct nf_conn___init *bpf_skb_ct_alloc(struct __sk_buff *skb, struct bpf_sock_tuple *t, __u32 tsize,
					       struct bpf_ct_opts___local *o, __u32 osize) __ksym;
extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *t, __u32 tsize,
					 struct bpf_ct_opts___local *o, __u32 osize) __ksym;
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *xdp, struct bpf_sock_tuple *t, __u32 tsize,
					 struct bpf_ct_opts___local *o, __u32 osize) __ksym;
extern struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *n) __ksym;
extern void bpf_ct_set_timeout(struct nf_conn___init *n, __u32 ms) __ksym;
extern void bpf_ct_release(struct nf_conn *n) __ksym;
extern void bpf_ct_release___weak(struct nf_conn *n) __ksym __weak;
extern const void nf_conntrack_find_get __ksym;

__u64 address, status;

static __noinline void tuple(struct bpf_sock_tuple *t, struct bpf_ct_opts___local *o)
{
	__builtin_memset(t, 0, sizeof(*t));
	__builtin_memset(o, 0, sizeof(*o));
	t->ipv4.saddr = 0x0101a8c0; /* 192.168.1.1 */
	t->ipv4.daddr = 0x0201a8c0;
	t->ipv4.sport = 0x1234;
	t->ipv4.dport = 0x4321;
	o->netns_id = -1; /* of the packet */
	o->l4proto = IPPROTO_TCP;
}

/* Returns 3 if the connection was made and found. */
SEC("tc")
int makes(struct __sk_buff *skb)
{
	struct bpf_ct_opts___local o;
	struct bpf_sock_tuple t;
	struct nf_conn___init *fresh;
	struct nf_conn *ct;
	int ret = 0;

	tuple(&t, &o);
	/* Of earlier runs there may be some left. */
	t.ipv4.sport = bpf_get_prandom_u32();
	t.ipv4.saddr = bpf_get_prandom_u32();
	fresh = bpf_skb_ct_alloc(skb, &t, sizeof(t.ipv4), &o, sizeof(o));
	if (fresh) {
		bpf_ct_set_timeout(fresh, 2000);
		ct = bpf_ct_insert_entry(fresh);
		if (ct) {
			bpf_ct_release(ct);
			ret = 1;
		}
	}
	ct = bpf_skb_ct_lookup(skb, &t, sizeof(t.ipv4), &o, sizeof(o));
	if (ct) {
		status = ct->status;
		if (bpf_ct_release___weak)
			bpf_ct_release___weak(ct);
		else
			bpf_ct_release(ct);
		ret |= 2;
	}
	return ret;
}

/* Returns XDP_TX if a connection that nobody made is not found, and how that is said. */
SEC("xdp")
int finds_none(struct xdp_md *xdp)
{
	struct bpf_ct_opts___local o;
	struct bpf_sock_tuple t;
	struct nf_conn *ct;

	tuple(&t, &o);
	t.ipv4.daddr = 0x0301a8c0;
	ct = bpf_xdp_ct_lookup(xdp, &t, sizeof(t.ipv4), &o, sizeof(o));
	if (ct) {
		bpf_ct_release(ct);
		return XDP_DROP;
	}
	return o.error == -2 ? XDP_TX : XDP_PASS; /* ENOENT */
}

/* The address of a function of the module. */
SEC("tc")
int finds_symbol(struct __sk_buff *skb)
{
	address = (__u64)&nf_conntrack_find_get;
	return 0;
}
