// SPDX-License-Identifier: MIT
/*
 * The libbpf peer of the benchmark. The command line and the printed line are
 * those of the Go peers (../meter); beside them
 *
 *   libbpf -loadable OBJ...   names of the programs that load here, one by one
 *
 * Every bpf(2) of the library passes through __wrap_syscall: the time in it is
 * the floor that no loader gets below which has programs verified one by one.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include "peer.h"

static const struct {
	const char *name;
	int (*run)(struct run *r);
} rows[] = {
	{ "cold", row_cold },
	{ "warm", row_warm },
	{ "parallel", row_cold },
	{ "parallel.share", row_share },
	{ "ksyms", row_cold },
	{ "open", row_open },
	{ "btf.find", row_btf_find },
	{ "btf.visit", row_btf_visit },
	{ "btf.build", row_btf_build },
	{ "btf.dedup", row_btf_dedup },
	{ "map.lookup", row_map_lookup },
	{ "map.update", row_map_update },
	{ "map.iterate", row_map_iterate },
	{ "batch.lookup", row_batch_lookup },
	{ "batch.update", row_batch_update },
	{ "ringbuf", row_ringbuf },
	{ "perf", row_perf },
	{ "uprobes", row_uprobes },
};

static _Atomic uint64_t bpf_ns;
static char sum[32];

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

long __real_syscall(long nr, ...);

long __wrap_syscall(long nr, ...)
{
	uint64_t start = 0;
	long a[6], ret;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	/* Operations on maps are too short to be timed one by one. */
	bool timed = nr == SYS_bpf && (a[0] == BPF_PROG_LOAD || a[0] == BPF_MAP_CREATE || a[0] >= BPF_PROG_ATTACH) &&
		     (a[0] < BPF_MAP_LOOKUP_BATCH || a[0] > BPF_MAP_DELETE_BATCH);
	if (timed)
		start = now();
	ret = __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (timed)
		bpf_ns += now() - start;
	return ret;
}

int fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(-err));
	return err;
}

const char *arg(const struct run *r, const char *key)
{
	size_t len = strlen(key);

	for (int i = 0; i < r->argc; i++)
		if (!strncmp(r->argv[i], key, len) && r->argv[i][len] == '=')
			return r->argv[i] + len + 1;
	return "";
}

/* Lives as long as the process. */
char **list(const struct run *r, const char *key)
{
	char *text = strdup(arg(r, key)), **names, *name;
	size_t n = 0;

	if (!text)
		abort();
	names = calloc(strlen(text) / 2 + 2, sizeof(*names));
	if (!names)
		abort();
	for (name = strtok(text, ","); name; name = strtok(NULL, ","))
		names[n++] = name;
	return names;
}

bool in_list(char **names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

void checksum(uint64_t value, bool hex)
{
	snprintf(sum, sizeof(sum), hex ? "%#llx" : "%llu", (unsigned long long)value);
}

static int batch(struct run *r, op_fn before, op_fn op, void *ctx, uint64_t *ns, uint64_t *inside)
{
	uint64_t start;
	int err;

	err = before ? before(ctx) : 0;
	if (err)
		return fail(err, "before the operation");
	*inside = bpf_ns;
	start = now();
	for (long i = 0; i < r->n; i++) {
		err = op(ctx);
		if (err)
			return fail(err, "the operation");
	}
	*ns = now() - start;
	*inside = bpf_ns - *inside;
	return 0;
}

static long peak_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld kB", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

int measure(struct run *r, long units, op_fn before, op_fn op, op_fn after, void *ctx)
{
	long n = r->n * units;
	double floor = -1;

	printf("{\"n\":%ld,\"ns\":[", n);
	if (getenv("SKEP_BENCH_COUNTING"))
		after = NULL; /* it is no part of what is counted */
	for (long b = 0; b < r->batches; b++) {
		uint64_t ns = 0, inside = 0;
		int err = batch(r, before, op, ctx, &ns, &inside);

		if (err)
			return err;
		if (inside && n && (floor < 0 || (double)inside / n < floor))
			floor = (double)inside / n;
		err = after ? after(ctx) : 0;
		if (err)
			return fail(err, "after the operation");
		printf("%s%llu", b ? "," : "", (unsigned long long)ns);
	}
	printf("],\"allocs\":-1,\"bytes\":-1,\"floor_ns\":%.3f,\"peak_kb\":%ld,", floor, peak_kb());
	return 0;
}

void value(double v)
{
	printf("{\"n\":1,\"value\":%.6g,\"allocs\":-1,\"bytes\":-1,\"floor_ns\":-1,\"peak_kb\":%ld,", v, peak_kb());
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return getenv("PEER_VERBOSE") ? vfprintf(stderr, fmt, ap) : 0;
}

static int parse(struct run *r, int argc, char **argv)
{
	while (argc >= 2 && argv[0][0] == '-') {
		long *number = !strcmp(argv[0], "-n") ? &r->n : !strcmp(argv[0], "-b") ? &r->batches : NULL;
		char *end;

		if (!number)
			return -1;
		*number = strtol(argv[1], &end, 10);
		if (*end || *number < 0)
			return -1;
		argc -= 2;
		argv += 2;
	}
	r->argc = argc;
	r->argv = argv;
	return 0;
}

int main(int argc, char **argv)
{
	struct run r = { .n = 1, .batches = 1 };
	size_t count = sizeof(rows) / sizeof(rows[0]);

	libbpf_set_print(quiet);
	if (argc > 2 && !strcmp(argv[1], "-loadable"))
		return loadable(argc - 2, argv + 2);
	if (argc == 2 && !strcmp(argv[1], "-rows")) {
		for (size_t i = 0; i < count; i++)
			puts(rows[i].name);
		return 0;
	}
	if (argc < 2 || parse(&r, argc - 2, argv + 2)) {
		fprintf(stderr, "usage: libbpf ROW [-n N] [-b BATCHES] [key=value]... | -rows | -loadable OBJ...\n");
		return 2;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, argv[1]))
			continue;
		if (rows[i].run(&r))
			return 1;
		printf("\"sum\":\"%s\"}\n", sum);
		return 0;
	}
	fprintf(stderr, "no row \"%s\"\n", argv[1]);
	return 1;
}
