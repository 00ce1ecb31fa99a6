// SPDX-License-Identifier: MIT
/* Rows that open and load objects. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "peer.h"

/* Maps that their tool would size at run time get the same sizes in every peer. */
static void autosize(struct bpf_object *obj)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		enum bpf_map_type type = bpf_map__type(map);

		bpf_map__set_pin_path(map, NULL);
		if (type == BPF_MAP_TYPE_STACK_TRACE && !bpf_map__value_size(map))
			bpf_map__set_value_size(map, 127 * 8);
		if (!bpf_map__max_entries(map) && type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			bpf_map__set_max_entries(map, type == BPF_MAP_TYPE_RINGBUF ? 64 << 10 : 1024);
	}
}

struct bpf_object *prepare(const char *path, char **programs)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *p;

	if (!obj) {
		fail(-errno, "open %s", path);
		return NULL;
	}
	if (programs && *programs)
		bpf_object__for_each_program(p, obj)
			bpf_program__set_autoload(p, in_list(programs, bpf_program__name(p)));
	autosize(obj);
	return obj;
}

int loadable(int argc, char **paths)
{
	for (int i = 0; i < argc; i++) {
		struct bpf_object *all = prepare(paths[i], NULL);
		struct bpf_program *p;

		if (!all)
			return 1;
		bpf_object__for_each_program(p, all) {
			char *name[] = { (char *)bpf_program__name(p), NULL };
			struct bpf_object *one = prepare(paths[i], name);

			if (!one)
				return 1;
			if (!bpf_object__load(one))
				puts(name[0]);
			bpf_object__close(one);
		}
		bpf_object__close(all);
	}
	return 0;
}

struct cold {
	const char *path;
	char **programs;
	struct bpf_object *obj;
};

static int cold(void *ctx)
{
	struct cold *c = ctx;

	c->obj = prepare(c->path, c->programs);
	return c->obj ? bpf_object__load(c->obj) : -errno;
}

static int cold_close(void *ctx)
{
	bpf_object__close(((struct cold *)ctx)->obj);
	return 0;
}

int row_cold(struct run *r)
{
	struct cold c = { .path = arg(r, "obj"), .programs = list(r, "progs") };

	return measure(r, 1, NULL, cold, cold_close, &c);
}

struct warm {
	char **paths;
	char ***programs;
};

/* libbpf reads the kernel's types once an object: there is nothing to share. */
static int warm(void *ctx)
{
	struct warm *w = ctx;

	for (size_t i = 0; w->paths[i]; i++) {
		struct cold c = { .path = w->paths[i], .programs = w->programs[i] };
		int err = cold(&c);

		bpf_object__close(c.obj);
		if (err)
			return err;
	}
	return 0;
}

int row_warm(struct run *r)
{
	struct warm w = { .paths = list(r, "objs") };
	size_t n = 0;
	int err;

	while (w.paths[n])
		n++;
	w.programs = calloc(n + 1, sizeof(*w.programs));
	if (!w.programs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *base = strrchr(w.paths[i], '/');

		w.programs[i] = list(r, base ? base + 1 : w.paths[i]);
	}
	err = warm(&w);
	return err ? fail(err, "load") : measure(r, 1, NULL, warm, NULL, &w);
}

struct image {
	char *bytes;
	size_t size;
};

static int slurp(const char *path, struct image *im)
{
	FILE *f = fopen(path, "rb");
	long size;
	int err = -EIO;

	if (!f)
		return -errno;
	if (!fseek(f, 0, SEEK_END) && (size = ftell(f)) > 0 && !fseek(f, 0, SEEK_SET)) {
		im->size = size;
		im->bytes = malloc(size);
		if (im->bytes && fread(im->bytes, 1, size, f) == im->size)
			err = 0;
	}
	fclose(f);
	return err;
}

static int open_mem(void *ctx)
{
	struct image *im = ctx;
	struct bpf_object *obj = bpf_object__open_mem(im->bytes, im->size, NULL);

	if (!obj)
		return -errno;
	bpf_object__close(obj);
	return 0;
}

int row_open(struct run *r)
{
	struct image im = {};
	int err = slurp(arg(r, "obj"), &im);

	return err ? fail(err, "read %s", arg(r, "obj")) : measure(r, 1, NULL, open_mem, NULL, &im);
}
