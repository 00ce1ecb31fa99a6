#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

typedef unsigned int __ARRAY_SIZE_TYPE__;

enum color {
	RED = 0,
	GREEN = 5,
	BLUE = 2147483648,
};

enum deep {
	DEEP = -4611686018427387904LL,
	HIGH = 7,
};

enum narrow {
	NEAR = 0,
	FAR = 1,
} __attribute__((mode(byte)));

enum sign {
	MINUS = -1,
	PLUS = 1,
};

enum wide {
	SMALL = 1,
	LARGE = 1099511627776ULL,
};

struct fwd;

struct later;

union ufwd;

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
typedef _Bool bool;
#endif

typedef int (*callback)(struct later *, const char *, ...);

typedef struct fwd *fwd_ptr;

typedef void noargs(void);

typedef signed char s8;

typedef long long s64;

typedef struct {
	s8 x;
	s64 y;
} __attribute__((packed)) point;

typedef int s32;

typedef unsigned short u16;

typedef unsigned int u32;

typedef unsigned long long u64;

typedef unsigned char u8;

struct bits {
	u32 a: 3;
	u32 b: 7;
	int: 22;
	s32 c: 5;
	enum color color: 3;
	enum sign sign: 2;
	bool flag: 1;
	u64 d: 40;
	u8 e;
	u8 f: 4;
	u16 g: 9;
};

struct bytes {
	u8 raw[8];
	char text[8];
	u8 flexible[0];
};

union either {
	u32 word;
	u8 bytes[4];
	struct {
		u16 low;
		u16 high;
	};
	struct {
		u32 odd: 1;
		u32 rest: 31;
	} parts;
} __attribute__((aligned(16)));

struct empty {
};

struct packed {
	u8 a;
	u32 b;
	u64 c;
	u16 d;
} __attribute__((packed));

struct half_packed {
	u8 a;
	struct packed p;
	u64 z;
};

struct holes {
	u8 a;
	u32 b;
	u8 c;
	long: 56;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	u64 d;
	u8 e;
	long: 56;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
};

struct huge_hole {
	u8 first;
	unsigned char __hole1[32767];
	u8 last;
	unsigned char __hole32769[32767];
};

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

struct later {
	struct node node __attribute__((btf_decl_tag("of a member")));
	double real;
	float third;
	__int128 huge;
	unsigned __int128 array[2];
	enum wide wide;
	enum deep deep;
	enum narrow narrow;
	struct {
	} empty;
	long kept;
	u8 moved;
	int gone;
} __attribute__((btf_decl_tag("of a struct")));

struct nested {
	int x;
	union {
		long l;
		struct {
			char name[16];
			bool ok;
		};
	};
	struct {
		int in;
	} in[2];
	enum {
		INNER = 3,
		OUTER = 4,
	} kind;
	union either either;
};

struct packed_bits {
	u8 a: 3;
	u32 b: 31;
	u64 c: 60;
} __attribute__((packed));

struct removed {
	int x;
};

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
