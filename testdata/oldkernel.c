/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A little of all that a kernel may be too old for and that has a lesser form: types, names, constants, helpers. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

enum sign { BELOW = -1, ABOVE = 1 };
enum large { SMALL, LARGE = 0x100000000ULL };

struct value {
	double ratio;
	enum sign sign;
	enum large large;
	__u64 __attribute__((btf_type_tag("kptr_like"))) *tagged;
	__u32 n;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
} stacks SEC(".maps");

const volatile __u32 step = 7;
const volatile __u64 far = 0x123456789abULL;
const volatile __u8 shift;
extern bool LINUX_HAS_BPF_COOKIE __kconfig __weak;
extern __s64 CONFIG_SKEP_S64 __kconfig __weak;

#define __context __attribute__((btf_decl_tag("arg:ctx")))
#define __tagged __attribute__((btf_decl_tag("noted")))

struct pt_regs;

__noinline __tagged int global_func(int x)
{
	return x * step;
}

__noinline int with_context(void *ctx __context)
{
	__u32 key = 0;
	struct value *v = bpf_map_lookup_elem(&values, &key);

	return v ? v->n : bpf_get_stackid(ctx, &stacks, 0);
}

SEC("kprobe/skep")
int probe(struct pt_regs *ctx)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (void *)0x1000);
	if (word > far)
		return with_context(ctx);
	return global_func(word << shift) + LINUX_HAS_BPF_COOKIE;
}

SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
	return skb->len > step + CONFIG_SKEP_S64;
}
