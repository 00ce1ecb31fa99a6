/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A little of each step of a load: pinned maps, data sections, a map in a map,
 * tail calls, subprograms, CO-RE, a kernel function, configuration.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig __weak;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

const volatile __u32 step = 1;
__u64 start = 40;
__u64 total, pid, version;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} pinned_before SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} pinned_new SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} inner_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [1] = &inner_map },
};

int tail(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} jumps SEC(".maps") = {
	.values = { [1] = &tail },
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static __noinline __u64 add(__u64 a, __u64 b)
{
	return a + b * step;
}

__noinline int twice(int n)
{
	return add(n, n);
}

SEC("socket")
int tail(struct __sk_buff *skb)
{
	return twice(21);
}

SEC("socket")
int entry(struct __sk_buff *skb)
{
	__u32 key = 1, first = 0;
	__u64 one = 1, *value;
	void *map;

	start = add(start, 2);
	version = LINUX_KERNEL_VERSION + LINUX_HAS_BPF_COOKIE;
	bpf_map_update_elem(&pinned_before, &key, &one, BPF_ANY);
	value = bpf_map_lookup_elem(&pinned_new, &first);
	if (value)
		*value += 1;
	map = bpf_map_lookup_elem(&outer, &key);
	if (map) {
		value = bpf_map_lookup_elem(map, &first);
		if (value)
			*value += 1;
	}
	bpf_tail_call(skb, &jumps, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int trace(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	pid = BPF_CORE_READ(t, tgid);
	bpf_ringbuf_output(&events, &pid, sizeof(pid), 0);
	return 0;
}

SEC("tp_btf/task_newtask")
int typed(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];

	bpf_rcu_read_lock();
	total = add(total, t->tgid);
	bpf_rcu_read_unlock();
	return 0;
}
