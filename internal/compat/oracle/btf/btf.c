// SPDX-License-Identifier: MIT
/* What libbpf makes of BTF in files: the last argument is what it writes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static struct btf *parse(const char *path, struct btf *base)
{
	struct btf *btf = btf__parse_split(path, base);

	if (!btf)
		die(path);
	return btf;
}

static void save(const struct btf *btf, const char *path)
{
	__u32 size;
	const void *data = btf__raw_data(btf, &size);
	FILE *f = fopen(path, "wb");

	if (!data || !f || fwrite(data, 1, size, f) != size || fclose(f))
		die(path);
}

/* dedup IN BASE|- OUT */
static void dedup(char **arg)
{
	struct btf *base = strcmp(arg[1], "-") ? parse(arg[1], NULL) : NULL;
	struct btf *btf = parse(arg[0], base);

	if (btf__dedup(btf, NULL))
		die("dedup");
	save(btf, arg[2]);
}

/* distill BASE SPLIT OUTBASE OUTSPLIT */
static void distill(char **arg)
{
	struct btf *base = NULL, *split = NULL;

	if (btf__distill_base(parse(arg[1], parse(arg[0], NULL)), &base, &split))
		die("distill");
	save(base, arg[2]);
	save(split, arg[3]);
}

/* relocate DISTILLED SPLIT NEWBASE OUT */
static void relocate(char **arg)
{
	struct btf *split = parse(arg[1], parse(arg[0], NULL));

	if (btf__relocate(split, parse(arg[2], NULL)))
		die("relocate");
	save(split, arg[3]);
}

/* add N IN OUT: IN N times, one after another */
static void add(char **arg)
{
	struct btf *btf = btf__new_empty(), *in = parse(arg[1], NULL);

	if (!btf)
		die("empty");
	for (int n = atoi(arg[0]); n > 0; n--)
		if (btf__add_btf(btf, in) < 0)
			die("add");
	save(btf, arg[2]);
}

static int silent(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int args; void (*run)(char **arg); } verbs[] = {
		{ "dedup", 3, dedup }, { "distill", 4, distill }, { "relocate", 4, relocate }, { "add", 3, add },
	};

	libbpf_set_print(silent);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (argc == verbs[i].args + 2 && !strcmp(argv[1], verbs[i].name)) {
			verbs[i].run(argv + 2);
			return 0;
		}
	fprintf(stderr, "usage: btf dedup IN BASE|- OUT | distill ... | relocate ... | add N IN OUT\n");
	return 2;
}
