/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* 64 independent programs, each of which keeps the verifier busy for some milliseconds. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 total;

/* A loop of known length is walked step by step, and a branch in it on an unknown value doubles the states. */
#define HEAVY(n)							\
	SEC("socket")							\
	int heavy##n(struct __sk_buff *skb)				\
	{								\
		__u64 sum = n;						\
									\
		for (int i = 0; i < 200; i++) {			\
			if (bpf_get_prandom_u32() & 1)			\
				sum += bpf_ktime_get_ns();		\
			else						\
				sum ^= i;				\
		}							\
		total += sum;						\
		return 0;						\
	}

#define EIGHT(n)									\
	HEAVY(n##0) HEAVY(n##1) HEAVY(n##2) HEAVY(n##3) HEAVY(n##4) HEAVY(n##5)		\
	HEAVY(n##6) HEAVY(n##7)
EIGHT(1) EIGHT(2) EIGHT(3) EIGHT(4) EIGHT(5) EIGHT(6) EIGHT(7) EIGHT(8)
