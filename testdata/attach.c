/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* One program for each hook that needs no special device, each counting into its own variable. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* 0: count every process. */
const volatile __u32 target_pid = 0;

__u64 raw_tp_hits, tp_btf_hits, tracepoint_hits, uprobe_hits, uretprobe_hits, perf_hits, kprobe_hits;
__u64 last_cookie;

static __always_inline void count(__u64 *hits)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (!target_pid || pid == target_pid)
		__atomic_fetch_add(hits, 1, __ATOMIC_RELAXED);
}

SEC("raw_tp/sys_enter")
int on_raw_tp(void *ctx)
{
	count(&raw_tp_hits);
	return 0;
}

SEC("tp_btf/sys_enter")
int on_tp_btf(__u64 *ctx)
{
	count(&tp_btf_hits);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpid")
int on_tracepoint(void *ctx)
{
	count(&tracepoint_hits);
	return 0;
}

SEC("uprobe")
int on_uprobe(void *ctx)
{
	last_cookie = bpf_get_attach_cookie(ctx);
	count(&uprobe_hits);
	return 0;
}

SEC("uretprobe")
int on_uretprobe(void *ctx)
{
	count(&uretprobe_hits);
	return 0;
}

SEC("perf_event")
int on_perf_event(struct bpf_perf_event_data *ctx)
{
	count(&perf_hits);
	return 0;
}

SEC("kprobe/do_nanosleep")
int on_kprobe(void *ctx)
{
	count(&kprobe_hits);
	return 0;
}
