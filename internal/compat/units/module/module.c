/* What a module refers to: the kernel's types by name, held and pointed at. */
typedef unsigned char u8;
struct list_head { struct list_head *next, *prev; };
struct task_struct;
union tasks { struct task_struct *one; u8 raw[8]; };
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };
enum { UNNAMED = 7 };
struct hlist_node { struct hlist_node *next, **pprev; };
struct fresh {
	struct list_head held;
	struct hlist_node *node;
	const volatile u8 bytes[3];
	enum pid_type type;
	union { long a; struct { short b; } c; };
	int (*op)(struct fresh *, unsigned long long, struct list_head **);
};
struct fresh g_fresh;
union tasks g_tasks;
int g_unnamed = UNNAMED;
int work(struct fresh *f) { return f->type; }
