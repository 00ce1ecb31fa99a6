// SPDX-License-Identifier: MIT
/* What threads gain without a loader: the programs of an object, ready to load, by one thread and by two. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "peer.h"

struct job {
	struct bpf_object *obj;
	struct bpf_program **progs;
	int *fds; /* or negative errors */
	int count;
	atomic_int next;
};

/* One PROG_LOAD with all that the library gives beside the instructions. */
static int load(const struct job *job, const struct bpf_program *p)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		.expected_attach_type = bpf_program__expected_attach_type(p),
		.prog_btf_fd = bpf_object__btf_fd(job->obj),
		.func_info = bpf_program__func_info(p),
		.func_info_cnt = bpf_program__func_info_cnt(p),
		.func_info_rec_size = sizeof(struct bpf_func_info),
		.line_info = bpf_program__line_info(p),
		.line_info_cnt = bpf_program__line_info_cnt(p),
		.line_info_rec_size = sizeof(struct bpf_line_info));

	return bpf_prog_load(bpf_program__type(p), bpf_program__name(p), "Dual MIT/GPL", bpf_program__insns(p),
			     bpf_program__insn_cnt(p), &opts);
}

static void *work(void *ctx)
{
	struct job *job = ctx;
	int i;

	while ((i = atomic_fetch_add(&job->next, 1)) < job->count)
		job->fds[i] = load(job, job->progs[i]);
	return NULL;
}

/* Time that it takes that many threads, of which the caller's is one; negative is an error. */
static double pass(struct job *job, int threads)
{
	struct timespec from, to;
	pthread_t other;
	int err = 0;

	job->next = 0;
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (threads == 2 && pthread_create(&other, NULL, work, job))
		return -EAGAIN;
	work(job);
	if (threads == 2)
		pthread_join(other, NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	for (int i = 0; i < job->count; i++) {
		if (job->fds[i] < 0)
			err = job->fds[i];
		else
			close(job->fds[i]);
	}
	return err ?: (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int measure_share(struct run *r, struct job *job)
{
	double *ns[2] = { calloc(r->batches + 1, sizeof(double)), calloc(r->batches + 1, sizeof(double)) };

	if (!ns[0] || !ns[1])
		return -ENOMEM;
	for (long b = 0; b < r->batches; b++) {
		for (int t = 0; t < 2; t++) {
			ns[t][b] = pass(job, t + 1);
			if (ns[t][b] < 0)
				return ns[t][b];
		}
	}
	qsort(ns[0], r->batches, sizeof(double), ascending);
	qsort(ns[1], r->batches, sizeof(double), ascending);
	value(r->batches ? 100 * ns[1][r->batches / 2] / ns[0][r->batches / 2] : 0);
	return 0;
}

int row_share(struct run *r)
{
	struct job job = { .obj = prepare(arg(r, "obj"), NULL) };
	struct bpf_program *p;
	int err, n = 0;

	if (!job.obj)
		return -errno;
	err = bpf_object__prepare(job.obj);
	if (err)
		return fail(err, "prepare");
	bpf_object__for_each_program(p, job.obj)
		n++;
	job.progs = calloc(n, sizeof(*job.progs));
	job.fds = calloc(n, sizeof(*job.fds));
	if (!job.progs || !job.fds)
		return -ENOMEM;
	bpf_object__for_each_program(p, job.obj)
		job.progs[job.count++] = p;
	err = measure_share(r, &job);
	return err ? fail(err, "load") : 0;
}
