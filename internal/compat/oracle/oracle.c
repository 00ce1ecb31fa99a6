// SPDX-License-Identifier: MIT
/*
 * oracle: what libbpf does with an object, as JSON lines.
 *
 *   oracle each  OBJ...             every program alone: {"object","program","section","ok","errno","error"}
 *   oracle dump  OBJ...             the same, each line with what PROG_LOAD was given (see dump_load)
 *   oracle kconfig TEXT OBJ         the whole object with these config values: {"ok","error","kconfig"}, the
 *                                   map's contents in hexadecimal
 *   oracle run   OBJ OPTION... STEP... loads and runs programs: see scenario()
 *   oracle time  OBJ [PROGRAM...]   open and load these programs (default: those the object has on):
 *                                   {"open_ns","load_ns","total_ns","bpf_ns","bpf_calls"}
 *
 * With ORACLE_SECONDS in the environment, a program that takes longer has the
 * error ETIME; one that libbpf crashes on has EFAULT.
 *
 * Programs that ORACLE_SKIP names, separated by spaces, have ECANCELED.
 *
 * A program is alone with the struct_ops maps that name it and with the other
 * programs of such a map: libbpf has no way to load less. Of all others the
 * struct_ops maps are off.
 *
 * Maps whose max_entries (or a stack-trace map's value_size) is 0 get the
 * sizes that `skep load -autosize` gives. Pinning by name is turned off.
 * Every bpf(2) call of the library passes through __wrap_syscall below.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

static uint64_t bpf_ns, bpf_calls;
static bool recording;            /* dump mode: describe PROG_LOAD of target */
static const char *target;        /* the program being loaded */
static struct bpf_object *current; /* whose maps the descriptors are */
static char *dumped;              /* JSON members of the last PROG_LOAD of target */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void quote(FILE *f, const char *s)
{
	fputc('"', f);
	for (; s && *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void member(FILE *f, const char *key, const char *value)
{
	fprintf(f, "\"%s\":", key);
	quote(f, value);
}

/* The map's name; of a data section's map only the section, as its prefix depends on the object's name. */
static const char *map_name(int fd)
{
	static char name[BPF_OBJ_NAME_LEN];
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	const struct bpf_map *map;

	bpf_object__for_each_map(map, current) {
		const char *dot = strchr(bpf_map__name(map), '.');

		if (bpf_map__fd(map) == fd)
			return bpf_map__is_internal(map) && dot ? dot : bpf_map__name(map);
	}
	/* A jump table: libbpf makes its map while it loads the program, and lists it nowhere. */
	if (!bpf_map_get_info_by_fd(fd, &info, &len) && info.name[0])
		return strcpy(name, info.name);
	return "?";
}

static const char *btf_name(int fd)
{
	static char name[64];
	struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
	uint32_t len = sizeof(info);

	if (!fd || bpf_btf_get_info_by_fd(fd, &info, &len))
		return "";
	return name;
}

/*
 * Members: "type", "attach_type", "flags", "attach_btf_id", "attach_module",
 * "license", "kern_version", "line_infos", "func_infos" (slot offsets),
 * "insns" (8 bytes a slot, hexadecimal, descriptors zeroed) and "refs": slots
 * whose immediate was a descriptor, with the name of what it stands for.
 */
static char *dump_load(const union bpf_attr *a)
{
	const struct bpf_insn *insns = (const void *)(uintptr_t)a->insns;
	const char *sep = "";
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	fprintf(f, "\"type\":%u,\"attach_type\":%u,\"flags\":%u,\"attach_btf_id\":%u,", a->prog_type,
		a->expected_attach_type, a->prog_flags, a->attach_btf_id);
	member(f, "attach_module", btf_name(a->attach_btf_obj_fd));
	fputc(',', f);
	member(f, "license", (const char *)(uintptr_t)a->license);
	fprintf(f, ",\"kern_version\":%u,\"line_infos\":%u,\"func_infos\":[", a->kern_version, a->line_info_cnt);
	for (uint32_t i = 0; i < a->func_info_cnt; i++) {
		const uint32_t *off = (const void *)(uintptr_t)(a->func_info + (uint64_t)i * a->func_info_rec_size);

		fprintf(f, "%s%u", i ? "," : "", *off);
	}
	fprintf(f, "],\"insns\":\"");
	for (uint32_t i = 0; i < a->insn_cnt; i++) {
		struct bpf_insn in = insns[i];
		const unsigned char *p = (const unsigned char *)&in;

		if (in.code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    (in.src_reg == BPF_PSEUDO_MAP_FD || in.src_reg == BPF_PSEUDO_MAP_VALUE))
			in.imm = 0;
		for (int k = 0; k < 8; k++)
			fprintf(f, "%02x", p[k]);
	}
	fprintf(f, "\",\"refs\":{");
	for (uint32_t i = 0; i < a->insn_cnt; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_MAP_FD || insns[i].src_reg == BPF_PSEUDO_MAP_VALUE) {
			fprintf(f, "%s\"%u\":", sep, i);
			quote(f, map_name(insns[i].imm));
			sep = ",";
		}
		i++;
	}
	fprintf(f, "}");
	fclose(f);
	return text;
}

long __real_syscall(long nr, ...);

long __wrap_syscall(long nr, ...)
{
	long a[6], ret;
	uint64_t start;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr != SYS_bpf)
		return __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	const union bpf_attr *attr = (const void *)a[1];
	long cmd = a[0] & 0xffff;

	bool ours = recording && cmd == BPF_PROG_LOAD && attr->insn_cnt > 0 && !strncmp(attr->prog_name, target, BPF_OBJ_NAME_LEN - 1);

	if (ours) {
		free(dumped);
		dumped = dump_load(attr);
	}
	start = now();
	ret = __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	bpf_ns += now() - start;
	bpf_calls++;
	return ret;
}

/* The kernel's verdict, without the verifier's log around it. */
static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return getenv("ORACLE_VERBOSE") ? vfprintf(stderr, fmt, ap) : 0;
}

static void autosize(struct bpf_object *obj)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		enum bpf_map_type type = bpf_map__type(map);
		uint32_t n = 1024;

		bpf_map__set_pin_path(map, NULL);
		if (type == BPF_MAP_TYPE_STACK_TRACE && bpf_map__value_size(map) == 0)
			bpf_map__set_value_size(map, 127 * 8);
		if (bpf_map__max_entries(map) || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			continue;
		if (type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_TASK_STORAGE ||
		    type == BPF_MAP_TYPE_INODE_STORAGE || type == BPF_MAP_TYPE_CGRP_STORAGE)
			continue;
		if (type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF)
			n = 64 * 1024;
		else if (type == BPF_MAP_TYPE_ARENA)
			n = 16;
		else if (type == BPF_MAP_TYPE_CPUMAP)
			n = libbpf_num_possible_cpus();
		bpf_map__set_max_entries(map, n);
	}
}

static struct bpf_object *open_object(const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);

	return bpf_object__open_file(path, &opts);
}

static void line(const char *path, const char *prog, const char *section, int err, const char *extra)
{
	err = err < 0 ? -err : err;
	printf("\n{"); /* what a process that died left of a line is not of this one */
	member(stdout, "object", path);
	putchar(',');
	member(stdout, "program", prog);
	putchar(',');
	member(stdout, "section", section);
	printf(",\"ok\":%s,\"errno\":%d,", err ? "false" : "true", err);
	member(stdout, "error", err ? strerror(err) : "");
	if (extra)
		printf(",%s", extra);
	printf("}\n");
	fflush(stdout);
}

/* Struct_ops maps are off, but for the n-th; returns whether there is such a one. */
static bool only_struct_ops(struct bpf_object *obj, int n)
{
	struct bpf_map *map;
	bool found = false;

	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		bpf_map__set_autocreate(map, n == 0);
		found |= n-- == 0;
	}
	return found;
}

/*
 * Loads program name alone; of a struct_ops program, with the n-th struct_ops
 * map: false if there is none. *section and *err are set otherwise.
 */
static bool attempt(const char *path, const char *name, int n, bool *struct_ops, char **section, int *err)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_program *p;
	bool there = true;

	*struct_ops = false;
	if (!obj) {
		*err = -errno;
		return true;
	}
	bpf_object__for_each_program(p, obj) {
		bool on = !strcmp(bpf_program__name(p), name);

		bpf_program__set_autoload(p, on);
		if (!on)
			continue;
		*struct_ops = bpf_program__type(p) == BPF_PROG_TYPE_STRUCT_OPS;
		free(*section);
		*section = strdup(bpf_program__section_name(p));
	}
	there = only_struct_ops(obj, *struct_ops ? n : -1);
	if (!*struct_ops || there || n == 0) {
		there = true;
		autosize(obj);
		current = obj;
		target = name;
		recording = true;
		free(dumped);
		dumped = NULL;
		*err = bpf_object__load(obj);
		recording = false;
	}
	bpf_object__close(obj);
	return there;
}

static void one(const char *path, const char *name, bool dump)
{
	char *section = NULL, *best = NULL;
	bool struct_ops = true;
	int err = 0, first = 0;

	for (int n = 0; struct_ops && attempt(path, name, n, &struct_ops, &section, &err); n++) {
		/* With a map that does not name it, a struct_ops program is not asked for. */
		if (struct_ops && !err && !dumped)
			err = -EINVAL;
		if (n == 0 || (dumped && !best) || !err) {
			first = err;
			free(best);
			best = dumped;
			dumped = NULL;
		}
		if (!err)
			break;
	}
	line(path, name, section ? section : "", first, dump ? best : NULL);
	free(section);
	free(best);
}

/* Whether name is one of the words of ORACLE_SKIP. */
static bool left_out(const char *name)
{
	const char *list = getenv("ORACLE_SKIP"), *at = list;
	size_t n = strlen(name);

	for (; at && (at = strstr(at, name)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

/* one() in a process of its own: what crashes or hangs is a line as well. */
static void apart(const char *path, const char *name, bool dump)
{
	const char *seconds = getenv("ORACLE_SECONDS");
	int status = 0;
	pid_t pid;

	if (left_out(name)) {
		line(path, name, "", ECANCELED, NULL);
		return;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(seconds ? atoi(seconds) : 0);
		one(path, name, dump);
		fflush(NULL);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		line(path, name, "", errno, NULL);
	else if (WIFSIGNALED(status))
		line(path, name, "", WTERMSIG(status) == SIGALRM ? ETIME : EFAULT, NULL);
}

static int each(const char *path, bool dump)
{
	struct bpf_object *obj = open_object(path);
	struct bpf_program *p;
	char **list = NULL;
	size_t n = 0;

	if (!obj) {
		line(path, "", "", errno, NULL);
		return 1;
	}
	bpf_object__for_each_program(p, obj) {
		list = realloc(list, (n + 1) * sizeof(*list));
		list[n++] = strdup(bpf_program__name(p));
	}
	bpf_object__close(obj);
	for (size_t i = 0; i < n; i++) {
		apart(path, list[i], dump);
		free(list[i]);
	}
	free(list);
	return 0;
}

static int kconfig(const char *text, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kconfig = text);
	struct bpf_object *obj = bpf_object__open_file(path, &opts);
	const struct bpf_map *map;
	int err;

	if (!obj) {
		perror("open");
		return 1;
	}
	autosize(obj);
	err = bpf_object__load(obj);
	printf("{\"ok\":%s,", err ? "false" : "true");
	member(stdout, "error", err ? strerror(-err) : "");
	printf(",\"kconfig\":\"");
	bpf_object__for_each_map(map, obj) {
		const char *dot = strchr(bpf_map__name(map), '.');
		const unsigned char *p;
		size_t size = 0;

		if (err || !dot || strcmp(dot, ".kconfig"))
			continue;
		p = bpf_map__initial_value(map, &size);
		for (size_t i = 0; p && i < size; i++)
			printf("%02x", p[i]);
	}
	printf("\"}\n");
	bpf_object__close(obj);
	return 0;
}

static int measure(int n, char **args)
{
	uint64_t start = now(), opened, loaded;
	struct bpf_object *obj = open_object(args[0]);
	struct bpf_program *p;
	int err;

	if (!obj) {
		perror("open");
		return 1;
	}
	if (n > 1)
		bpf_object__for_each_program(p, obj) {
			bool on = false;

			for (int i = 1; i < n; i++)
				on |= !strcmp(args[i], bpf_program__name(p));
			bpf_program__set_autoload(p, on);
		}
	autosize(obj);
	opened = now();
	err = bpf_object__load(obj);
	loaded = now();
	if (err) {
		fprintf(stderr, "load: %s\n", strerror(-err));
		return 1;
	}
	printf("{\"open_ns\":%llu,\"load_ns\":%llu,\"total_ns\":%llu,\"bpf_ns\":%llu,\"bpf_calls\":%llu}\n",
	       (unsigned long long)(opened - start), (unsigned long long)(loaded - opened),
	       (unsigned long long)(loaded - start), (unsigned long long)bpf_ns, (unsigned long long)bpf_calls);
	bpf_object__close(obj);
	return 0;
}

/* A TCP connection over loopback whose client uses a congestion control, and some data. */
static int congest(const char *name)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s = -1, err = 0;
	static char data[1 << 15];
	socklen_t len = sizeof(to);

	if (setsockopt(c, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)) || bind(l, (void *)&to, sizeof(to)) || listen(l, 1) ||
	    getsockname(l, (void *)&to, &len) || connect(c, (void *)&to, sizeof(to)) || (s = accept(l, NULL, NULL)) < 0 ||
	    write(c, data, sizeof(data)) < 0 || read(s, data, 4096) < 0)
		err = errno;
	close(l);
	close(c);
	close(s);
	return err;
}

/* Attaches what the object has, lets a name be used, and detaches. */
static int with_struct_ops(struct bpf_object *obj, const char *name)
{
	struct bpf_link *links[16];
	struct bpf_map *map;
	int n = 0, err = 0;

	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS || !bpf_map__autocreate(map) || n == 16)
			continue;
		links[n] = bpf_map__attach_struct_ops(map);
		if (!links[n]) {
			err = errno;
			break;
		}
		n++;
	}
	if (!err)
		err = congest(name);
	while (n)
		bpf_link__destroy(links[--n]);
	return err;
}

/* One test run: of N bytes of a packet, or with these bytes as context. */
static int test_run(const struct bpf_program *p, bool packet, const char *arg, uint32_t *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	unsigned char in[512] = {};
	unsigned int byte;
	int err;

	if (packet) {
		opts.data_in = in;
		opts.data_size_in = atoi(arg);
	} else if (*arg) {
		for (; opts.ctx_size_in < sizeof(in) && sscanf(arg + 2 * opts.ctx_size_in, "%2x", &byte) == 1; opts.ctx_size_in++)
			in[opts.ctx_size_in] = byte;
		opts.ctx_in = in;
	}
	err = bpf_prog_test_run_opts(bpf_program__fd(p), &opts);
	*ret = opts.retval;
	return err ? errno : 0;
}

/* KIND:PROGRAM:ARGUMENT, or congest:NAME. */
static int step(struct bpf_object *obj, char *text, uint32_t *ret)
{
	char *save, *kind = strtok_r(text, ":", &save), *name = strtok_r(NULL, ":", &save), *arg = strtok_r(NULL, ":", &save);
	struct bpf_program *p;
	struct bpf_link *link;
	uint64_t end = now() + 5000000000ull;
	int err;

	*ret = 0;
	if (!strcmp(kind, "congest")) {
		*ret = with_struct_ops(obj, name);
		return 0;
	}
	p = bpf_object__find_program_by_name(obj, name);
	if (!p)
		return ENOENT;
	if (!strcmp(kind, "none")) {
		*ret = bpf_program__fd(p) < 0;
		return 0;
	}
	if (!strcmp(kind, "attach")) {
		link = bpf_program__attach(p);
		if (!link)
			return errno;
		getppid();
		return bpf_link__destroy(link) ? EINVAL : 0;
	}
	do
		err = test_run(p, !strcmp(kind, "packet") || !strcmp(kind, "until"), arg ? arg : "", ret);
	while (!strcmp(kind, "until") && !err && !*ret && now() < end && !usleep(1000));
	return err;
}

static char *log_text;
static size_t log_size;
static FILE *log_file;

static int keep(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(log_file, fmt, ap) : 0;
}

/* The contents of the object's variables. */
static void print_variables(struct bpf_object *obj)
{
	const char *sep = "";
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		const char *dot = strchr(bpf_map__name(map), '.');
		static unsigned char value[1 << 16];
		uint32_t zero = 0;

		if (!dot || !bpf_map__is_internal(map) || bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || bpf_map__value_size(map) > sizeof(value) ||
		    bpf_map_lookup_elem(bpf_map__fd(map), &zero, value))
			continue;
		printf("%s", sep);
		sep = ",";
		quote(stdout, dot);
		printf(":\"");
		for (uint32_t i = 0; i < bpf_map__value_size(map); i++)
			printf("%02x", value[i]);
		printf("\"");
	}
}

/* Takes one option, before the load; false for a step. */
static bool option(struct bpf_object *obj, const char *text, bool *only)
{
	struct bpf_program *p;
	struct bpf_map *map;

	if (*text == '+') {
		bpf_object__for_each_program(p, obj) {
			if (!strcmp(bpf_program__name(p), text + 1))
				bpf_program__set_autoload(p, true);
			else if (!*only)
				bpf_program__set_autoload(p, false);
		}
		*only = true;
		return true;
	}
	if (strncmp(text, "off=", 4) && strncmp(text, "on=", 3))
		return !strncmp(text, "kconfig=", 8) || !strncmp(text, "btf=", 4) || !strncmp(text, "kallsyms=", 9);
	map = bpf_object__find_map_by_name(obj, strchr(text, '=') + 1);
	if (map)
		bpf_map__set_autocreate(map, text[1] == 'n');
	return true;
}

/*
 * One load, and what programs then do:
 *
 *   +PROGRAM        this one, and no other that is not named so (default: as the object says)
 *   on=MAP off=MAP  create a map, or do not
 *   kconfig=TEXT    the kernel's configuration; btf=FILE the types for CO-RE; kallsyms=FILE its symbols
 *   packet:P:N      test-run program P on N bytes of zeroes
 *   until:P:N       the same until it does not return 0, 5 seconds long
 *   ctx:P:HEX       with these bytes as context
 *   none:P          1 if it is not loaded
 *   attach:P        attach it, make a system call, detach it
 *   congest:NAME    attach struct_ops maps, make a TCP connection with a congestion control of this name
 *
 * Prints {"ok","errno","phase","pid","returns","vars","log"}: phase is open, load, or the step that
 * failed; returns has a number for each step, vars the contents of each data section.
 */
static int scenario(int n, char **args)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	const char *phase = "open", *sep = "";
	struct bpf_object *obj;
	bool only = false;
	uint32_t returns[16];
	int err = 0, done = 0;

	log_file = open_memstream(&log_text, &log_size);
	libbpf_set_print(keep);
	for (int i = 1; i < n; i++) {
		if (!strncmp(args[i], "kconfig=", 8))
			opts.kconfig = args[i] + 8;
		if (!strncmp(args[i], "btf=", 4))
			opts.btf_custom_path = args[i] + 4;
		/* Seen by this process alone. */
		if (!strncmp(args[i], "kallsyms=", 9) && (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
							  mount(args[i] + 9, "/proc/kallsyms", NULL, MS_BIND, NULL))) {
			perror("kallsyms");
			return 1;
		}
	}
	obj = bpf_object__open_file(args[0], &opts);
	if (!obj) {
		err = errno;
	} else {
		struct bpf_map *map;

		bpf_object__for_each_map(map, obj)
			bpf_map__set_pin_path(map, NULL);
		phase = "load";
		for (int i = 1; i < n; i++)
			option(obj, args[i], &only);
		current = obj;
		err = -bpf_object__load(obj);
		for (int i = 1; i < n && !err && done < 16; i++) {
			if (option(obj, args[i], &only))
				continue;
			phase = args[i];
			err = step(obj, strdup(args[i]), &returns[done]);
			done += !err;
		}
	}
	fclose(log_file);
	printf("{\"ok\":%s,\"errno\":%d,\"pid\":%d,", err ? "false" : "true", err, getpid());
	member(stdout, "phase", phase);
	printf(",\"returns\":[");
	for (int i = 0; i < done; i++, sep = ",")
		printf("%s%u", sep, returns[i]);
	printf("],\"vars\":{");
	if (!err)
		print_variables(obj);
	printf("},");
	member(stdout, "log", log_text);
	printf("}\n");
	bpf_object__close(obj);
	return 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc < 3 || (strcmp(argv[1], "each") && strcmp(argv[1], "dump") && strcmp(argv[1], "time") && strcmp(argv[1], "kconfig") && strcmp(argv[1], "run"))) {
		fprintf(stderr, "usage: oracle each|dump OBJ... | oracle kconfig TEXT OBJ | oracle time OBJ [PROGRAM...] | oracle run OBJ OPTION... STEP...\n");
		return 2;
	}
	libbpf_set_print(quiet);
	if (!strcmp(argv[1], "kconfig"))
		return argc == 4 ? kconfig(argv[2], argv[3]) : 2;
	if (!strcmp(argv[1], "run"))
		return scenario(argc - 2, argv + 2);
	if (!strcmp(argv[1], "time"))
		return measure(argc - 2, argv + 2);
	for (int i = 2; i < argc; i++)
		bad |= each(argv[i], !strcmp(argv[1], "dump"));
	return bad;
}
