/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The same event seen three ways: trampoline, kprobe, raw tracepoint. A loader takes the first that works. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 hits;

SEC("fentry/do_nanosleep")
int fentry_sleep(__u64 *ctx)
{
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("kprobe/do_nanosleep")
int kprobe_sleep(void *ctx)
{
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("raw_tp/sys_enter")
int raw_sleep(void *ctx)
{
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("fexit/do_nanosleep")
int fexit_sleep(__u64 *ctx)
{
	return 0;
}
