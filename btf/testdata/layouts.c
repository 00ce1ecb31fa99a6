// Types whose layout has to be said in C, and nothing else. Compiled to BTF for
// both byte orders; with LATER, as they might be in a later kernel.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef int s32;
typedef long long s64;
typedef _Bool bool;

enum color { RED, GREEN = 5, BLUE = 1u << 31 };
enum sign { MINUS = -1, PLUS = 1 };
enum wide { SMALL = 1, LARGE = 1ull << 40 };
enum deep { DEEP = -(1ll << 62), HIGH = 7 };
enum narrow { NEAR, FAR } __attribute__((mode(byte)));

struct fwd;
union ufwd;
typedef struct fwd *fwd_ptr;
typedef int (*callback)(struct later *, const char *, ...);
typedef void noargs(void);

struct holes {
	u8 a;
	u32 b;
	u8 c;
	u64 d __attribute__((aligned(64)));
	u8 e;
};

struct __attribute__((packed)) packed {
	u8 a;
	u32 b;
	u64 c;
	u16 d;
};

struct half_packed {
	u8 a;
	struct packed p;
	u64 z;
} __attribute__((packed, aligned(2)));

struct bits {
	u32 a : 3;
	u32 b : 7;
	u32 : 0;
	s32 c : 5;
	enum color color : 3;
	enum sign sign : 2;
	bool flag : 1;
	u64 d : 40;
	u8 e;
	u8 f : 4;
	u16 g : 9;
};

struct packed_bits {
	u8 a : 3;
	u32 b : 31;
	u64 c : 60;
} __attribute__((packed));

union either {
	u32 word;
	u8 bytes[4];
	struct {
		u16 low, high;
	};
	struct {
		u32 odd : 1;
		u32 rest : 31;
	} parts;
} __attribute__((aligned(16)));

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
	enum { INNER = 3, OUTER = 4 } kind;
	union either either;
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
	int __attribute__((btf_type_tag("user"))) *user;
	u32 grid[2][3];
	int tail[];
};

struct __attribute__((btf_decl_tag("of a struct"))) later {
#ifdef LATER
	u64 fresh;
#endif
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
#ifdef LATER
	u64 kept;
	short moved;
#else
	long kept;
	u8 moved;
	int gone;
#endif
};

struct empty {
};

struct huge_hole {
	u8 first;
	u8 last __attribute__((aligned(32768)));
};

typedef struct {
	s8 x;
	s64 y __attribute__((packed));
} point;

struct bytes {
	u8 raw[8];
	char text[8];
	u8 flexible[0];
};

#ifdef LATER
struct added {
	int x;
};
#else
struct removed {
	int x;
};
#endif

enum color color = GREEN;
enum wide wide;
enum deep deep;
enum { NAMELESS = 1, ALONE } alone;
struct holes holes;
struct half_packed half_packed;
struct bits bits;
struct packed_bits packed_bits;
union either either;
struct nested nested;
struct later later;
struct empty empty;
struct huge_hole huge_hole;
point points[3];
struct bytes bytes;
#ifdef LATER
struct added added;
#else
struct removed removed;
#endif

__attribute__((section(".maps"))) struct {
	int (*type)[27];
} some_map;

#ifdef LATER
int function(struct node *n, u64 flags, int more)
#else
int function(struct node *n, u32 flags)
#endif
{
	return n->tail[0] + (int)flags;
}
