/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* One program at a function's entry and return; programs on many functions by trampolines. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

const volatile __u32 target_pid = 0;

struct session {
	__u64 entries, returns, cookies;
};

struct session one, sleepable, many;
__u64 entry_hits, exit_hits, module_hits, sleepable_hits, attach_cookie;

static __always_inline bool ours(void)
{
	return bpf_get_current_pid_tgid() >> 32 == target_pid;
}

/* What the entry leaves in the cookie, the return finds. */
static __always_inline int session(void *ctx, struct session *s)
{
	__u64 *cookie;

	if (!ours())
		return 0;
	cookie = bpf_session_cookie(ctx);
	if (bpf_session_is_return(ctx)) {
		s->returns++;
		s->cookies += *cookie;
	} else {
		s->entries++;
		*cookie = 7;
	}
	return 0;
}

SEC("fsession/vfs_statx")
int on_session(void *ctx)
{
	return session(ctx, &one);
}

SEC("fsession.s/__x64_sys_getpgid")
int on_sleepable_session(void *ctx)
{
	return session(ctx, &sleepable);
}

SEC("fsession.multi/vfs_stat*")
int on_many(void *ctx)
{
	return session(ctx, &many);
}

SEC("fentry.multi/vfs_stat*")
int on_entries(void *ctx)
{
	attach_cookie = bpf_get_attach_cookie(ctx);
	if (ours())
		__atomic_fetch_add(&entry_hits, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("fexit.multi/vmlinux:vfs_stat?")
int on_exits(void *ctx)
{
	if (ours())
		__atomic_fetch_add(&exit_hits, 1, __ATOMIC_RELAXED);
	return 0;
}

SEC("fentry.multi.s/__x64_sys_getpg?d")
int on_sleepable(void *ctx)
{
	if (ours())
		__atomic_fetch_add(&sleepable_hits, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Needs the module. */
SEC("?fentry.multi/dummy:dummy_*")
int on_module(void *ctx)
{
	__atomic_fetch_add(&module_hits, 1, __ATOMIC_RELAXED);
	return 0;
}
