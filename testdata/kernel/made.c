/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The types that core_made.c is relocated against: no kernel has them. Layouts
 * are other than those of the object, and two structs have a namesake.
 */
struct inner {
	char skip[12];
	int value;
};

struct item {
	long pad;
	int key;
};

struct made {
	char pad[24];
	unsigned short narrow;
	unsigned short half;
	short negative;
	int same;
	unsigned int : 4, low : 3, : 6, high : 9, : 10;
	int : 2, sbits : 5, : 25;
	union {
		long a;
		struct {
			int x;
			union {
				int deep;
				float f;
			};
		};
	};
	struct inner inner;
	int row[4][3];
	void *pointer;
	_Bool flag;
};

struct flexible {
	long count;
	struct item items[];
};

enum color { COLOR_NONE, COLOR_RED = 7, COLOR_BLUE = -2 };
enum large { LARGE_ONE = 0x500000001ll };

typedef int (*made_call)(struct made *m, int n);
typedef struct made made_t;

struct made made;
struct flexible flexible;
enum color color;
enum large large;
made_call call;
made_t *typed;

/* Namesakes. */
int one(void)
{
	struct twin {
		int x, y;
		int only;
	};
	static volatile struct twin t;

	return t.x;
}

int other(void)
{
	struct twin {
		int x;
		long y;
	};
	static volatile struct twin t;

	return t.x;
}
