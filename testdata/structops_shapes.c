/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Structs of operations of other shapes than the kernel's: with structs in them, bit fields, and flavours. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct sock;

struct tcp_sock {
	__u32 snd_cwnd;
} __attribute__((preserve_access_index));

struct list_head {
	struct list_head *next, *prev;
};

#define CALLS                                                             \
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);      \
	__u32 (*ssthresh)(struct sock *sk);                               \
	__u32 (*undo_cwnd)(struct sock *sk)

/* A struct that the kernel's has too, and one of a kernel to come. */
struct tcp_congestion_ops___nested {
	struct {
		long limit;
		struct {
			int more[3];
		} deep;
	} future;
	struct list_head list;
	CALLS;
	char name[16];
};

struct tcp_congestion_ops___bits {
	CALLS;
	char name[16];
	__u32 flags : 4, key : 2;
};

__u64 avoids;

SEC("struct_ops")
void BPF_PROG(shape_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	avoids++;
}

SEC("struct_ops")
__u32 BPF_PROG(shape_ssthresh, struct sock *sk)
{
	return 0x7fffffff;
}

SEC("struct_ops")
__u32 BPF_PROG(shape_undo, struct sock *sk)
{
	return ((struct tcp_sock *)sk)->snd_cwnd;
}

#define IMPLEMENTED .cong_avoid = (void *)shape_avoid, .ssthresh = (void *)shape_ssthresh, .undo_cwnd = (void *)shape_undo

SEC("?.struct_ops")
struct tcp_congestion_ops___nested skep_nested = { IMPLEMENTED, .name = "skep_nested" };

SEC("?.struct_ops")
struct tcp_congestion_ops___nested skep_future = { IMPLEMENTED, .name = "skep_future", .future.deep.more[1] = 1 };

SEC("?.struct_ops.link")
struct tcp_congestion_ops___bits skep_bits = { IMPLEMENTED, .name = "skep_bits", .flags = 3 };

SEC("?.struct_ops.link")
struct tcp_congestion_ops___nested skep_linked = { IMPLEMENTED, .name = "skep_linked" };
