#ifndef NODE_H
#define NODE_H

struct later;

struct fwd;

typedef struct fwd *fwd_ptr;

union ufwd;

typedef int (*callback)(struct later *, const char *, ...);

typedef void noargs(void);

typedef unsigned long long u64;

enum color {
	RED = 0,
	GREEN = 5,
	BLUE = 2147483648,
};

typedef unsigned int u32;

struct node {
	struct node *next;
	struct later *later;
	fwd_ptr fwd;
	union ufwd *ufwd;
	callback call;
	noargs *none;
	int (*table[3])(struct node *, u64);
	int (*rows)[4];
	void *(*get)(void *(*)(int), const volatile int *);
	const char *const text;
	enum color *color;
	void *restrict data;
	__attribute__((btf_type_tag("user"))) int *user;
	u32 grid[2][3];
	int tail[0];
};

#endif /* NODE_H */
