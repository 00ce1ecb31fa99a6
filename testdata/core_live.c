/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* CO-RE against what the kernel really has: a type's id as a cast uses it, and bit fields of a packet. Linux 6.2. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "GPL";

#define CORE __attribute__((preserve_access_index))

struct task_struct {
	int pid;
	int tgid;
} CORE;

struct sk_buff {
	unsigned int len;
	unsigned char pkt_type : 3;
} CORE;

/* Of what may be a module. */
struct nf_conntrack_net {
	unsigned int expect_count;
} CORE;

extern void *bpf_rdonly_cast(const void *obj, __u32 type) __ksym;
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym;

__u32 tgid;

SEC("syscall")
int cast(void *ctx)
{
	struct task_struct *t = bpf_rdonly_cast((void *)bpf_get_current_task(), bpf_core_type_id_kernel(struct task_struct));

	tgid = t->tgid;
	return t->tgid == (__u32)(bpf_get_current_pid_tgid() >> 32) && t->pid == (__u32)bpf_get_current_pid_tgid();
}

SEC("tc")
int packet(struct __sk_buff *ctx)
{
	struct sk_buff *skb = bpf_cast_to_kern_ctx(ctx);
	int before = BPF_CORE_READ_BITFIELD(skb, pkt_type);

	if (bpf_skb_change_type(ctx, 2 /* PACKET_MULTICAST */))
		return -1;
	return before * 1000 + BPF_CORE_READ_BITFIELD(skb, pkt_type) * 100 + BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type) * 10 + (skb->len == ctx->len);
}

SEC("socket")
int module(struct __sk_buff *ctx)
{
	return bpf_core_type_exists(struct nf_conntrack_net) + 2 * bpf_core_field_exists(struct nf_conntrack_net, expect_count);
}
