/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Built with -mcpu=v4: signed division, sign-extending loads and moves, unconditional byte swap, far jumps. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

volatile __s8 s8 = -1;
volatile __s16 s16 = -2;
volatile __s32 s32 = -3;
volatile __s64 quotient, rest, swapped;
volatile __s32 narrow;

SEC("socket")
int signed_math(struct __sk_buff *skb)
{
	__s64 a = s8 + s16 + s32;
	__s64 b = (__s32)skb->len;

	if (!b)
		b = 3;
	quotient = a / b;
	rest = a % b;
	swapped = __builtin_bswap64(a) + __builtin_bswap32(skb->len) + __builtin_bswap16(skb->mark);
	narrow = (__s8)skb->mark + (__s16)skb->priority;
	return 0;
}

SEC("socket")
int atomics(struct __sk_buff *skb)
{
	__s64 old = __sync_fetch_and_add(&quotient, 1);

	old += __sync_fetch_and_and(&quotient, 7);
	old += __sync_fetch_and_or(&narrow, 2);
	old += __sync_fetch_and_xor(&narrow, 5);
	old += __sync_lock_test_and_set(&rest, 9);
	return __sync_val_compare_and_swap(&swapped, old, 4);
}
