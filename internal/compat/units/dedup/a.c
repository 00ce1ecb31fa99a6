/* One of several units that know different parts of the same types. */
struct b;
struct late;
union alt;
enum mode;
struct a {
	int n;
	struct a *self;
	struct b *other;
	union alt *alt;
	enum mode *mode;
};
struct s {
	struct a *a;
	struct b *b;
	int arr1[4];
	int arr2[4];
	unsigned narrow : 3;
	unsigned wide : 5;
	struct {
		long x;
		union {
			int y;
			char z[8];
		};
	} in;
};
struct same {
	struct { int q; } *p, *r;
};
typedef struct a a_t;
typedef int (*fn_t)(const struct a *, volatile struct late **, char *restrict);
struct two_faced { int face; };

struct s g_s;
struct same g_same;
a_t *g_a;
fn_t g_fn;
struct two_faced g_two;
struct late *g_late;

int use(struct s *s, fn_t f) { return s->arr1[0] + (f != 0); }
