/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The types of a kernel that does not exist: what plans are tested against.
 * Only its BTF is used. Layouts differ from any real kernel's on purpose, so
 * that a plan which reads the running one is seen.
 */
#define SEC(name) __attribute__((section(name), used))

typedef unsigned int __u32;
typedef unsigned long long __u64;

struct list_head {
	struct list_head *next, *prev;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	long usage;
	kuid_t uid, euid;
};

struct mm_struct {
	long pad[5];
	unsigned long arg_start, arg_end;
};

struct signal_struct {
	int sigcnt;
	int group_exit_code;
};

struct task_struct {
	unsigned int __state;
	unsigned int flags;
	unsigned int sched_reset_on_fork : 1, in_execve : 1;
	int exit_code;
	long pid;			/* wider than any program expects */
	int tgid;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct signal_struct *signal;
	const struct cred *cred;
	struct list_head tasks;
	char comm[24];
};

struct file {
	unsigned int f_mode;
	void *f_op;
};

enum bpf_map_type {
	BPF_MAP_TYPE_UNSPEC,
	BPF_MAP_TYPE_RINGBUF = 77,
};

struct rq {
	int cpu;
};

typedef void (*btf_trace_sys_enter)(void *, void *, long);
typedef void (*btf_trace_sched_process_exit)(void *, struct task_struct *);
typedef void (*btf_trace_task_newtask)(void *, struct task_struct *, unsigned long);

int bpf_prog_active SEC(".data..percpu");
struct rq runqueues SEC(".data..percpu");

__attribute__((noinline)) int do_nanosleep(struct task_struct *t, int mode) { return t->tgid + mode; }
__attribute__((noinline)) void bpf_rcu_read_lock(void) {}
__attribute__((noinline)) void bpf_rcu_read_unlock(void) {}
__attribute__((noinline)) struct task_struct *bpf_task_acquire(struct task_struct *p) { return p; }
__attribute__((noinline)) void bpf_task_release(struct task_struct *p) { p->flags = 0; }
__attribute__((noinline)) int bpf_lsm_file_open(struct file *f) { return f->f_mode; }

/* Keeps every type in the BTF. */
struct keep {
	struct task_struct t;
	struct cred c;
	struct mm_struct m;
	struct signal_struct s;
	struct file f;
	enum bpf_map_type e;
	btf_trace_sys_enter enter;
	btf_trace_sched_process_exit exit;
	btf_trace_task_newtask newtask;
} keep;
