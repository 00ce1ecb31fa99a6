/* SPDX-License-Identifier: MIT */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

/* One call of a row: what the command line asks for. */
struct run {
	long n;       /* operations a batch */
	long batches;
	int argc;     /* key=value */
	char **argv;
};

/* The value of an argument; "" if there is none. */
const char *arg(const struct run *r, const char *key);

/* Values of an argument that are separated by commas, ended by NULL. */
char **list(const struct run *r, const char *key);
bool in_list(char **names, const char *name);

typedef int (*op_fn)(void *ctx); /* 0, or a negative error */

/*
 * Times n operations a batch, each of them `units` units of work. before and
 * after run outside the clock, around each batch; either may be NULL.
 */
int measure(struct run *r, long units, op_fn before, op_fn op, op_fn after, void *ctx);

/* What must be the same for every peer. */
void checksum(uint64_t sum, bool hex);

/* The result of a row that does not measure time; it prints the line that measure would. */
void value(double v);

/* Complains, and gives err back. */
int fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* load.c: opens an object and turns all but the named programs off; no names is all. */
struct bpf_object *prepare(const char *path, char **programs);
int loadable(int argc, char **paths);

int row_cold(struct run *r);
int row_warm(struct run *r);
int row_share(struct run *r);
int row_open(struct run *r);
int row_btf_find(struct run *r);
int row_btf_visit(struct run *r);
int row_btf_build(struct run *r);
int row_btf_dedup(struct run *r);
int row_map_lookup(struct run *r);
int row_map_update(struct run *r);
int row_map_iterate(struct run *r);
int row_batch_lookup(struct run *r);
int row_batch_update(struct run *r);
int row_ringbuf(struct run *r);
int row_perf(struct run *r);
int row_uprobes(struct run *r);

#endif
