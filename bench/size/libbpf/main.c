// SPDX-License-Identifier: MIT
/* The smallest program that opens, loads and attaches, with libbpf. */
#include <stdio.h>
#include <bpf/libbpf.h>

static int run(const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	struct bpf_program *p;
	int err = 1;

	if (!obj)
		return 1;
	if (bpf_object__load(obj))
		goto close;
	bpf_object__for_each_program(p, obj)
		if (!bpf_program__attach(p)) /* the process's end detaches */
			goto close;
	err = 0;
close:
	bpf_object__close(obj);
	return err;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: minimal OBJ\n");
		return 2;
	}
	return run(argv[1]);
}
