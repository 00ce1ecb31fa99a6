//go:build ignore

/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * execsnoop: one record for each program that starts, one for each process that ends.
 *
 * Raw tracepoints with CO-RE only: no tracefs, trampoline, or kernel header is
 * needed. Requires Linux 5.8 (ring buffer).
 *
 * Map "events" (ring buffer) carries records of two lengths, told apart by
 * their first field. All fields are in the machine's byte order; offsets are
 * fixed and there is no hidden padding:
 *
 *   struct header (first 40 bytes of both)
 *     off  size  field
 *       0    4   kind        1: exec, 2: exit
 *       4    4   pid         thread group id, in the initial pid namespace
 *       8    8   ktime       CLOCK_MONOTONIC, nanoseconds, when it happened
 *      16    4   ppid        thread group id of the real parent
 *      20    4   uid         effective user id
 *      24   16   comm        NUL-terminated name of the thread
 *
 *   kind 1, exec: header, then
 *      40    4   args_len    bytes used in args (0: none could be read)
 *      44    4   args_total  bytes of the whole argument area; more than
 *                            args_len when args was cut
 *      48  496   args        arguments, each ended by a NUL; a cut last one is not
 *     544 bytes in all
 *
 *   kind 2, exit: header, then
 *      40    4   exit_code   as wait(2) would report: status << 8 | signal
 *                            (bit 7: core dumped)
 *      44    4   pad         0
 *      48    8   duration    nanoseconds since the exec that was reported;
 *                            0 when it was not seen (a fork without exec, or
 *                            started before)
 *      56 bytes in all
 *
 * Read-only data, set before load:
 *   min_ns     u64  leave out exits of programs that ran for less (0: report all)
 *   exec_only  u8   1: report no exits
 * Bss: lost   u64  records that found the ring buffer full
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define CORE __attribute__((preserve_access_index))

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
} CORE;

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t euid;
} CORE;

struct signal_struct {
	int group_exit_code;
} CORE;

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	char comm[16];
	struct task_struct *real_parent;
	struct cred *cred;
	struct mm_struct *mm;
	struct signal_struct *signal;
} CORE;

enum kind {
	KIND_EXEC = 1,
	KIND_EXIT = 2,
};

#define ARGS_MAX 496

struct header {
	__u32 kind;
	__u32 pid;
	__u64 ktime;
	__u32 ppid;
	__u32 uid;
	char comm[16];
};

struct exec_event {
	struct header h;
	__u32 args_len;
	__u32 args_total;
	char args[ARGS_MAX];
};

struct exit_event {
	struct header h;
	__s32 exit_code;
	__u32 pad;
	__u64 duration;
};

_Static_assert(sizeof(struct header) == 40, "header");
_Static_assert(sizeof(struct exec_event) == 544, "exec_event");
_Static_assert(sizeof(struct exit_event) == 56, "exit_event");

/* Keep both records in the object's BTF. */
const struct exec_event *unused_exec __attribute__((unused));
const struct exit_event *unused_exit __attribute__((unused));

const volatile __u64 min_ns = 0;
const volatile __u8 exec_only = 0;

__u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* When a thread group's program started, by thread group id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} started SEC(".maps");

static __always_inline void fill(struct header *h, struct task_struct *task, __u32 kind, __u64 now)
{
	h->kind = kind;
	h->pid = bpf_get_current_pid_tgid() >> 32;
	h->ktime = now;
	h->ppid = BPF_CORE_READ(task, real_parent, tgid);
	h->uid = BPF_CORE_READ(task, cred, euid.val);
	bpf_get_current_comm(h->comm, sizeof(h->comm));
}

/* void (struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm): after the new image is in place */
SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u64 now = bpf_ktime_get_ns(), start, end;
	__u32 pid = bpf_get_current_pid_tgid() >> 32, len;
	struct exec_event *e;

	bpf_map_update_elem(&started, &pid, &now, BPF_ANY);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
		return 0;
	}
	fill(&e->h, task, KIND_EXEC, now);
	start = BPF_CORE_READ(task, mm, arg_start);
	end = BPF_CORE_READ(task, mm, arg_end);
	len = end > start ? end - start : 0;
	e->args_total = len;
	if (len > ARGS_MAX)
		len = ARGS_MAX;
	if (bpf_probe_read_user(e->args, len, (void *)start))
		len = 0;
	e->args_len = len;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* void (struct task_struct *task, ...): called for every thread; the leader stands for its process */
SEC("raw_tp/sched_process_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx->args[0];
	__u64 id = bpf_get_current_pid_tgid(), now, duration = 0, *start;
	__u32 pid = id >> 32;
	struct exit_event *e;
	int code;

	if ((__u32)id != pid)
		return 0;
	now = bpf_ktime_get_ns();
	start = bpf_map_lookup_elem(&started, &pid);
	if (start) {
		duration = now - *start;
		bpf_map_delete_elem(&started, &pid);
	}
	if (exec_only || duration < min_ns)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__atomic_fetch_add(&lost, 1, __ATOMIC_RELAXED);
		return 0;
	}
	fill(&e->h, task, KIND_EXIT, now);
	code = BPF_CORE_READ(task, signal, group_exit_code);
	e->exit_code = code ? code : BPF_CORE_READ(task, exit_code);
	e->pad = 0;
	e->duration = duration;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
