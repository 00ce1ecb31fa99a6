/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Programs that may be signed, and maps that may belong to one of them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

const volatile __u64 step = 3;

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __always_inline int add(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (!n)
		return 0;
	*n += step;
	return *n;
}

SEC("socket")
int owner(struct __sk_buff *skb)
{
	return add(0);
}

SEC("?socket")
int other(struct __sk_buff *skb)
{
	return add(1);
}

/* Uses no map but a constant. */
SEC("?socket")
int reader(struct __sk_buff *skb)
{
	return step + 1;
}

SEC("?socket")
int bare(struct __sk_buff *skb)
{
	return 42;
}
