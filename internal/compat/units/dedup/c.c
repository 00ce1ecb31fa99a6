/* Bitfields of other widths, and what looks alike but is not. */
struct a;
struct s {
	struct a *a;
	struct b *b;
	int arr1[4];
	int arr2[4];
	unsigned narrow : 4;
	unsigned wide : 4;
};
struct same {
	struct { int q; } *p, *r;
};
struct late { struct late *next; unsigned long long big; };
struct uses_two { struct two_faced *t; enum mode *m; };
struct ring { struct ring *next; struct { struct ring *prev; } in; };
enum { ANON_A, ANON_B };
typedef struct a a_t;
typedef a_t *a_p;

struct s g_sc;
struct same g_same_c;
struct late g_late_c;
struct uses_two g_uses;
struct ring g_ring;
a_p g_ap;

int use_c(struct same *s) { return s->p->q + ANON_A; }
