// SPDX-License-Identifier: MIT
/* Rows that read records which a program has written, and the one that attaches to user functions. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "peer.h"

struct drain {
	struct bpf_object *obj;
	int prog;
	long records, got, lost;
	uint64_t next;
	struct ring_buffer *ring;
	struct perf_buffer *perf;
};

/* Loads one program of the object that the argument names. */
static struct bpf_program *load(struct run *r, const char *name, struct bpf_object **obj)
{
	char *names[] = { (char *)name, NULL };
	int err;

	*obj = prepare(arg(r, "obj"), names);
	if (!*obj)
		return NULL;
	err = bpf_object__load(*obj);
	if (err) {
		fail(err, "load");
		return NULL;
	}
	return bpf_object__find_program_by_name(*obj, name);
}

/* Has the program write its records. */
static int fill(void *ctx)
{
	struct drain *d = ctx;
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet), .repeat = d->records);
	int err = bpf_prog_test_run_opts(d->prog, &opts);

	d->got = 0;
	return err ? err : opts.retval == 1 ? 0 : -ENOSPC;
}

static int on_ring(void *ctx, void *data, size_t size)
{
	struct drain *d = ctx;

	if (size < 8 || *(uint64_t *)data != d->next)
		return -EINVAL;
	d->next++;
	d->got++;
	return 0;
}

static int drain_ring(void *ctx)
{
	struct drain *d = ctx;
	int n = ring_buffer__consume(d->ring);

	return n < 0 ? n : d->got == d->records ? 0 : -ENODATA;
}

static void on_perf(void *ctx, int cpu, void *data, uint32_t size)
{
	struct drain *d = ctx;

	if (size >= 8)
		d->next += *(uint64_t *)data;
	d->got++;
}

static void on_lost(void *ctx, int cpu, __u64 count)
{
	((struct drain *)ctx)->lost += count;
}

static int drain_perf(void *ctx)
{
	struct drain *d = ctx;
	int err = perf_buffer__consume(d->perf);

	return err ? err : d->got == d->records && !d->lost ? 0 : -ENODATA;
}

static int drain(struct run *r, const char *name, const char *map, op_fn op)
{
	struct drain d = { .records = atol(arg(r, "records")) };
	struct bpf_program *p = load(r, name, &d.obj);
	int fd;

	if (!p)
		return -ENOENT;
	d.prog = bpf_program__fd(p);
	fd = bpf_object__find_map_fd_by_name(d.obj, map);
	if (op == drain_ring)
		d.ring = ring_buffer__new(fd, on_ring, &d, NULL);
	else
		d.perf = perf_buffer__new(fd, (8 << 20) / getpagesize(), on_perf, on_lost, &d, NULL);
	if (!d.ring && !d.perf)
		return fail(-errno, "make a reader");
	return measure(r, d.records, fill, op, NULL, &d);
}

int row_ringbuf(struct run *r) { return drain(r, "ring", "events", drain_ring); }
int row_perf(struct run *r) { return drain(r, "perf", "samples", drain_perf); }

struct uprobes {
	struct bpf_program *prog;
	const char *exe;
	char **symbols;
	size_t count;
	struct bpf_link *link;
};

static int attach(void *ctx)
{
	struct uprobes *u = ctx;
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .syms = (const char **)u->symbols, .cnt = u->count);

	u->link = bpf_program__attach_uprobe_multi(u->prog, -1, u->exe, NULL, &opts);
	return u->link ? 0 : -errno;
}

static int detach(void *ctx)
{
	return bpf_link__destroy(((struct uprobes *)ctx)->link);
}

int row_uprobes(struct run *r)
{
	struct uprobes u = { .exe = arg(r, "exe"), .symbols = list(r, "symbols") };
	struct bpf_object *obj;

	u.prog = load(r, "probe", &obj);
	if (!u.prog)
		return -ENOENT;
	while (u.symbols[u.count])
		u.count++;
	return measure(r, 1, NULL, attach, detach, &u);
}
