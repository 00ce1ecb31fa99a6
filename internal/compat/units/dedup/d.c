/* The whole of a, without knowing b; and c's ring once more. */
struct b;
union alt;
enum mode;
struct a {
	int n;
	struct a *self;
	struct b *other;
	union alt *alt;
	enum mode *mode;
};
struct ring { struct ring *next; struct { struct ring *prev; } in; };
struct holds { struct a a[2]; struct ring ring; const struct a *const *pp; };
typedef struct a a_t;

struct holds g_holds;
a_t *g_ad;

static int __attribute__((noinline)) add(struct holds *h, const char *why) { return h->a[1].n + why[0]; }
int use_d(struct holds *h) { return add(h, "x"); }
