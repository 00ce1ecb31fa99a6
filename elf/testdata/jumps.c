// A switch that becomes a jump table (needs ISA v4).
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
int out;

#define CASE(n, op) case n: asm volatile(op : "+r"(v)); break

static __noinline int pick(int n)
{
	int v = n;

	switch (n) {
	CASE(0, "%0 += 7");
	CASE(1, "%0 *= 3");
	CASE(2, "%0 ^= 9");
	CASE(3, "%0 -= 1");
	CASE(4, "%0 |= 64");
	CASE(5, "%0 &= 5");
	CASE(6, "%0 <<= 2");
	CASE(7, "%0 >>= 1");
	}
	return v + out;
}

SEC("tc") int entry(struct __sk_buff *skb)
{
	return pick(skb->len);
}
