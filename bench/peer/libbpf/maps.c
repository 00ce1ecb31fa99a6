// SPDX-License-Identifier: MIT
/* Rows over a hash of 10,000 elements, from u32 to u64. */
#include <errno.h>
#include "peer.h"

enum { entries = 10000, batch = 1000 };

struct hash {
	int fd;
	uint32_t at;
	uint32_t keys[entries];
	uint64_t values[entries];
};

static int fill(struct hash *h)
{
	h->fd = bpf_map_create(BPF_MAP_TYPE_HASH, "bench", 4, 8, entries, NULL);
	if (h->fd < 0)
		return fail(h->fd, "create map");
	for (uint32_t k = 0; k < entries; k++) {
		int err;

		h->keys[k] = k;
		h->values[k] = 2 * (uint64_t)k;
		err = bpf_map_update_elem(h->fd, &h->keys[k], &h->values[k], BPF_ANY);
		if (err)
			return fail(err, "fill map");
	}
	return 0;
}

static struct hash hash;

static int row(struct run *r, long units, op_fn op)
{
	int err = fill(&hash);

	return err ? err : measure(r, units, NULL, op, NULL, &hash);
}

/* Keys in an order that no cache foresees, without end. */
static uint32_t next(struct hash *h)
{
	h->at += 7919;
	return h->at % entries;
}

static int lookup(void *ctx)
{
	uint32_t k = next(ctx);
	uint64_t v;
	int err = bpf_map_lookup_elem(((struct hash *)ctx)->fd, &k, &v);

	return err ? err : v == 2 * (uint64_t)k ? 0 : -EINVAL;
}

static int update(void *ctx)
{
	uint32_t k = next(ctx);
	uint64_t v = 2 * (uint64_t)k;

	return bpf_map_update_elem(((struct hash *)ctx)->fd, &k, &v, BPF_ANY);
}

static int check(uint64_t n, uint64_t sum)
{
	return n == entries && sum == (uint64_t)entries * (entries - 1) ? 0 : -EINVAL;
}

static int iterate(void *ctx)
{
	struct hash *h = ctx;
	uint32_t k, *prev = NULL;
	uint64_t n = 0, sum = 0, v;
	int err;

	while (!(err = bpf_map_get_next_key(h->fd, prev, &k))) {
		err = bpf_map_lookup_elem(h->fd, &k, &v);
		if (err)
			return err;
		n++;
		sum += v;
		prev = &k;
	}
	return err == -ENOENT ? check(n, sum) : err;
}

static int lookup_batch(void *ctx)
{
	struct hash *h = ctx;
	uint32_t cursor, keys[batch], count;
	uint64_t n = 0, sum = 0, values[batch];
	int err;

	do {
		count = batch;
		err = bpf_map_lookup_batch(h->fd, n ? &cursor : NULL, &cursor, keys, values, &count, NULL);
		if (err && err != -ENOENT)
			return err;
		for (uint32_t i = 0; i < count; i++)
			sum += values[i];
		n += count;
	} while (!err);
	return check(n, sum);
}

static int update_batch(void *ctx)
{
	struct hash *h = ctx;

	for (uint32_t at = 0; at < entries; at += batch) {
		uint32_t count = batch;
		int err = bpf_map_update_batch(h->fd, h->keys + at, h->values + at, &count, NULL);

		if (err)
			return err;
	}
	return 0;
}

int row_map_lookup(struct run *r) { return row(r, 1, lookup); }
int row_map_update(struct run *r) { return row(r, 1, update); }
int row_map_iterate(struct run *r) { return row(r, entries, iterate); }
int row_batch_lookup(struct run *r) { return row(r, entries, lookup_batch); }
int row_batch_update(struct run *r) { return row(r, entries, update_batch); }
