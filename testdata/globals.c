/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Every kind of data section: plain, named, static, and two function-local variables that share a name. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct limits {
	__u32 low;
	__u32 high;
	__u64 mask[2];
};

const volatile __u32 verbose = 0;
const volatile __u64 min_ns = 1000;
const volatile struct limits limits = { .low = 1, .high = 10, .mask = { 0xff, 0xff00 } };
const volatile char prefix[16] = "skep";
const volatile __u8 mode SEC(".rodata.mode") = 3;

__u32 answer = 42;
__s64 negative = -7;
__u64 table[4] = { 1, 2, 3, 4 };
__u32 tuned SEC(".data.tuned") = 9;

__u64 hits;
__u64 per_mode[8];
struct limits seen;
__u64 scratch SEC(".bss.scratch");

static volatile __u32 hidden_total;

static __noinline __u64 odd(__u64 n)
{
	static volatile __u64 calls = 5;

	calls += n;
	return calls;
}

static __noinline __u64 even(__u64 n)
{
	static volatile __u64 calls;

	calls += n;
	return calls;
}

SEC("socket")
int count(struct __sk_buff *skb)
{
	__u64 n = skb->len;

	if (n < limits.low)
		return 0;
	hits++;
	per_mode[mode & 7] += n;
	seen.high = limits.high;
	scratch = table[n & 3] + tuned + answer + negative;
	hidden_total += verbose;
	return odd(n) + even(min_ns) + prefix[0];
}

SEC("socket")
int read_back(struct __sk_buff *skb)
{
	return hits + hidden_total;
}
