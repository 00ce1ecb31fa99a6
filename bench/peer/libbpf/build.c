// SPDX-License-Identifier: MIT
/* Rows that write BTF. */
#include <errno.h>
#include "peer.h"

struct build {
	struct btf *src, *dst;
	uint64_t types;
};

static int build(void *ctx)
{
	struct build *b = ctx;
	struct btf *btf = btf__new_empty();
	uint32_t size;
	int err;

	if (!btf)
		return -errno;
	b->types = 0;
	for (uint32_t id = 1; id < btf__type_cnt(b->src); id++) {
		const struct btf_type *t = btf__type_by_id(b->src, id);

		err = btf__add_type(btf, b->src, t);
		if (err < 0)
			return err;
		b->types += btf_kind(t) != BTF_KIND_DECL_TAG;
	}
	if (!btf__raw_data(btf, &size))
		return -errno;
	btf__free(btf);
	return 0;
}

int row_btf_build(struct run *r)
{
	struct build b = { .src = btf__load_vmlinux_btf() };
	int err = b.src ? measure(r, 1, NULL, build, NULL, &b) : -errno;

	checksum(b.types, false);
	return err;
}

static int copy(void *ctx)
{
	struct build *b = ctx;
	uint32_t size;
	const void *data = btf__raw_data(b->src, &size);

	b->dst = data ? btf__new(data, size) : NULL;
	return b->dst ? 0 : -errno;
}

static int dedup(void *ctx)
{
	return btf__dedup(((struct build *)ctx)->dst, NULL);
}

static int drop(void *ctx)
{
	btf__free(((struct build *)ctx)->dst);
	return 0;
}

int row_btf_dedup(struct run *r)
{
	struct build b = { .src = btf__load_vmlinux_btf() };

	return b.src ? measure(r, 1, copy, dedup, drop, &b) : -errno;
}
