/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Programs on many functions at once, named by patterns. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* 0: count every process. */
const volatile __u32 target_pid = 0;

__u64 kprobe_hits, kretprobe_hits, ksession_hits, exact_hits, uprobe_hits, uretprobe_hits, usession_hits;

static __always_inline int count(__u64 *hits)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (!target_pid || pid == target_pid)
		__atomic_fetch_add(hits, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("kprobe.multi/vfs_st?tx*")
int on_kprobe(void *ctx)
{
	return count(&kprobe_hits);
}

SEC("kretprobe.multi/vfs_statx*")
int on_kretprobe(void *ctx)
{
	return count(&kretprobe_hits);
}

SEC("kprobe.session/vfs_statx*")
int on_ksession(void *ctx)
{
	return count(&ksession_hits);
}

SEC("kprobe.multi/vfs_statx")
int on_exact(void *ctx)
{
	return count(&exact_hits);
}

SEC("uprobe.multi/libc.so.6:mall?c")
int on_uprobe_multi(void *ctx)
{
	return count(&uprobe_hits);
}

SEC("uretprobe.multi/libc.so.6:mall?c")
int on_uretprobe_multi(void *ctx)
{
	return count(&uretprobe_hits);
}

SEC("uprobe.session/libc.so.6:malloc")
int on_usession(void *ctx)
{
	return count(&usession_hits);
}

/* Nothing to attach to. */
SEC("kprobe.multi")
int unnamed(void *ctx)
{
	return 0;
}
