#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned long long usize;

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
enum {
	false = 0,
	true = 1,
};
#endif

enum none {
	none___none = 0,
};

enum only_enum {
	VALUE = 1,
};

union only;

struct only_enum___2;

struct same;

typedef __builtin_va_list __gnuc_va_list;

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L
typedef _Bool bool;
#endif

typedef int word;

struct same___3;

typedef struct same___3 word___2;

struct same___3 {
	int: 32;
	int b;
};

struct core__Option__str_ {
	int _0;
};

struct named {
	int n;
};

struct same {
	int a;
};

union same___4 {
	int u;
};

struct same___2 {
};

struct user {
	struct same *first;
	struct same *fwd;
	union only *ufwd;
	union only *ufwd2;
	enum only_enum e;
	enum {
		VALUE___2 = 2,
	} anon;
	enum {
		VALUE___3 = 2,
	} again;
	word word;
	word___2 other;
	enum {
		word___3 = 3,
	} clash;
	struct core__Option__str_ rust;
	usize usize;
	struct {
		int n;
	};
	struct only_enum___2 *efwd;
	int __unnamed_14;
};

#endif /* __VMLINUX_H__ */
