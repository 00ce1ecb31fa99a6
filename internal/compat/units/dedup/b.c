/* Knows struct b, the enum and the union, but not struct a. */
struct a;
struct s;
enum mode { ON, OFF, MANY = -3 };
union alt { int i; float f; };
struct b {
	int m;
	struct b *self;
	struct s *up;
	enum mode mode;
	union alt alt;
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
struct late { struct late *next; unsigned long long big; };
struct two_faced { long face; };
enum { ANON_A, ANON_B };
enum huge { HUGE = 0x123456789ull };

struct s g_sb;
struct b g_b;
struct two_faced g_two_b;
enum huge g_huge;

int use_b(struct b *b) { return b->m + ANON_B; }
