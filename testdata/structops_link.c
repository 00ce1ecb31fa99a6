/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Two forms of one congestion control, each attached by a link. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock;

struct tcp_sock {
	__u32 snd_cwnd;
} __attribute__((preserve_access_index));

struct tcp_congestion_ops {
	void (*init)(struct sock *sk);
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	char name[16];
};

char LICENSE[] SEC("license") = "GPL";

__u64 first_inits, second_inits;

SEC("struct_ops")
void BPF_PROG(first_init, struct sock *sk)
{
	first_inits++;
}

SEC("struct_ops")
void BPF_PROG(second_init, struct sock *sk)
{
	second_inits++;
}

SEC("struct_ops")
__u32 BPF_PROG(link_ssthresh, struct sock *sk)
{
	return 0x7fffffff;
}

SEC("struct_ops")
__u32 BPF_PROG(link_undo_cwnd, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

SEC("struct_ops")
void BPF_PROG(link_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC(".struct_ops.link")
struct tcp_congestion_ops first = {
	.name = "skep_link",
	.init = (void *)first_init,
	.ssthresh = (void *)link_ssthresh,
	.undo_cwnd = (void *)link_undo_cwnd,
	.cong_avoid = (void *)link_cong_avoid,
};

SEC(".struct_ops.link")
struct tcp_congestion_ops second = {
	.name = "skep_link",
	.init = (void *)second_init,
	.ssthresh = (void *)link_ssthresh,
	.undo_cwnd = (void *)link_undo_cwnd,
	.cong_avoid = (void *)link_cong_avoid,
};
