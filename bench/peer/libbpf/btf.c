// SPDX-License-Identifier: MIT
/* Rows over the kernel's types. */
#include <errno.h>
#include <string.h>
#include "peer.h"

struct find {
	char **names, **kinds;
	uint64_t found;
};

static uint32_t kind_of(const char *word)
{
	static const struct { const char *word; uint32_t kind; } kinds[] = {
		{ "struct", BTF_KIND_STRUCT }, { "typedef", BTF_KIND_TYPEDEF },
		{ "func", BTF_KIND_FUNC }, { "enum", BTF_KIND_ENUM },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(word, kinds[i].word))
			return kinds[i].kind;
	return BTF_KIND_UNKN;
}

static int find(void *ctx)
{
	struct find *f = ctx;
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return -errno;
	f->found = 0;
	for (size_t i = 0; f->names[i] && f->kinds[i]; i++)
		f->found += btf__find_by_name_kind(btf, f->names[i], kind_of(f->kinds[i])) > 0;
	btf__free(btf);
	return 0;
}

int row_btf_find(struct run *r)
{
	struct find f = { .names = list(r, "names"), .kinds = list(r, "kinds") };
	int err = measure(r, 1, NULL, find, NULL, &f);

	checksum(f.found, false);
	return err;
}

/* What a checksum keeps of a name: enough to have read it. */
static uint64_t mix(const struct btf *btf, uint32_t off)
{
	const char *s = btf__name_by_offset(btf, off);
	size_t len = s ? strlen(s) : 0;

	return len ? len + 3 * (uint64_t)(unsigned char)s[0] + 7 * (uint64_t)(unsigned char)s[len - 1] : 0;
}

static int visit(void *ctx)
{
	struct btf *btf = btf__load_vmlinux_btf();
	uint64_t sum = 0;

	if (!btf)
		return -errno;
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		uint32_t kind = btf_kind(t);

		if (kind == BTF_KIND_DECL_TAG)
			continue;
		if (kind == BTF_KIND_ENUM64)
			kind = BTF_KIND_ENUM;
		sum = sum * 31 + kind + mix(btf, t->name_off);
		if (!btf_is_composite(t))
			continue;
		for (uint32_t i = 0; i < btf_vlen(t); i++) {
			const struct btf_member *m = btf_members(t) + i;

			sum = sum * 31 + mix(btf, m->name_off) + m->type + btf_member_bit_offset(t, i);
		}
	}
	btf__free(btf);
	*(uint64_t *)ctx = sum;
	return 0;
}

int row_btf_visit(struct run *r)
{
	uint64_t sum = 0;
	int err = measure(r, 1, NULL, visit, NULL, &sum);

	checksum(sum, true);
	return err;
}
