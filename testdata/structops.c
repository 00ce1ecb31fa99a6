/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * TCP congestion control as struct_ops. The object's declarations are not the
 * kernel's: members are few, in another order, and one does not exist.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TCP_INFINITE_SSTHRESH 0x7fffffff

struct sock;

struct tcp_sock {
	__u32 snd_cwnd;
} __attribute__((preserve_access_index));

struct tcp_congestion_ops {
	char name[16];
	void (*init)(struct sock *sk);
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 flags;
};

/* A kernel to come. */
struct tcp_congestion_ops___future {
	__u64 future_number;
	void (*future_call)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*ssthresh)(struct sock *sk);
	char name[16];
};

struct no_such_ops {
	void (*call)(void);
};

char LICENSE[] SEC("license") = "GPL";

__u64 inits, avoids, futures;

SEC("struct_ops/skep_init")
void BPF_PROG(skep_init, struct sock *sk)
{
	inits++;
}

SEC("struct_ops/skep_ssthresh")
__u32 BPF_PROG(skep_ssthresh, struct sock *sk)
{
	return TCP_INFINITE_SSTHRESH;
}

SEC("struct_ops/skep_undo_cwnd")
__u32 BPF_PROG(skep_undo_cwnd, struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	return tp->snd_cwnd;
}

SEC("struct_ops/skep_cong_avoid")
void BPF_PROG(skep_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	avoids++;
}

SEC("struct_ops/skep_other_init")
void BPF_PROG(skep_other_init, struct sock *sk)
{
	inits += 1000;
}

SEC("?struct_ops/skep_future")
void BPF_PROG(skep_future, struct sock *sk)
{
	futures++;
}

SEC(".struct_ops")
struct tcp_congestion_ops skep_cc = {
	.name = "skep_cc",
	.init = (void *)skep_init,
	.ssthresh = (void *)skep_ssthresh,
	.undo_cwnd = (void *)skep_undo_cwnd,
	.cong_avoid = (void *)skep_cong_avoid,
};

/* Shares programs with the one above. */
SEC("?.struct_ops")
struct tcp_congestion_ops___future skep_later = {
	.name = "skep_later",
	.ssthresh = (void *)skep_ssthresh,
	.undo_cwnd = (void *)skep_undo_cwnd,
	.cong_avoid = (void *)skep_cong_avoid,
	.future_call = (void *)skep_future,
};

SEC("?.struct_ops")
struct no_such_ops skep_unknown = {};

/* Used by no map until a test puts it into one. */
SEC("?.struct_ops")
struct tcp_congestion_ops skep_spare = {
	.name = "skep_spare",
	.init = (void *)skep_other_init,
	.ssthresh = (void *)skep_ssthresh,
	.undo_cwnd = (void *)skep_undo_cwnd,
	.cong_avoid = (void *)skep_cong_avoid,
};
