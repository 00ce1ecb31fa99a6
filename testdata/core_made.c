/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Every rule of CO-RE, each a program that returns what it read: relocated
 * against the types of kernel/made.c, so that the result is known. What they
 * read is a variable in place of kernel memory.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define CORE __attribute__((preserve_access_index))
#define PROG(name) SEC("socket") int name(struct __sk_buff *skb)
#define OFF(name) SEC("?socket") int name(struct __sk_buff *skb)

struct inner {
	int value;
	char skip[3];
} CORE;

struct made {
	unsigned long narrow, half; /* u16 in the kernel */
	int negative;		     /* s16 */
	int same;
	int low : 3;
	unsigned int high : 9;
	int sbits : 5;
	int deep, x;
	struct inner inner;
	int row[6][3]; /* four rows in the kernel */
	unsigned long pointer; /* void * */
	unsigned int flag; /* _Bool */
	int missing;
} CORE;

/* The same struct as other releases of the program saw it. */
struct made___flavour {
	int same;
} CORE;

struct made___union {
	union {
		struct {
			struct {
				int deep;
			};
		};
	};
} CORE;

struct made___pointer {
	struct inner *pointer; /* void * */
} CORE;

struct made___wrong {
	struct inner *same; /* an int in the kernel */
	int pointer;
} CORE;

struct made___fewer {
	int same;
	short negative;
} CORE;

struct item {
	int key;
} CORE;

struct flexible {
	int count;
	struct item items[];
} CORE;

struct absent {
	int field;
} CORE;

struct twin {
	int x, y, only;
} CORE;

enum color { COLOR_RED = 1, COLOR_BLUE = 2, COLOR_MISSING = 3 };
enum color___64 { COLOR_RED___64 = 0x100000000ll };
enum large { LARGE_ONE = 1 };

typedef int (*made_call)(struct made *m, int n);
typedef int (*made_call___less)(struct made *m);
typedef struct made made_t;

/* In place of the kernel's memory. */
__attribute__((aligned(8))) unsigned char memory[160];

static __always_inline void *put(int at, unsigned long value, int size)
{
	for (int i = 0; i < size; i++)
		((volatile unsigned char *)memory)[at + i] =
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			value >> 8 * i;
#else
			value >> 8 * (size - 1 - i);
#endif
	barrier();
	return memory;
}

/* The kinds, in the order of enum bpf_core_relo_kind. */

PROG(byte_offset) { return bpf_core_field_offset(struct made, inner.value); }
PROG(byte_size) { return bpf_core_field_size(struct made, narrow); }
PROG(field_exists)
{
	return bpf_core_field_exists(struct made, same) + 2 * bpf_core_field_exists(struct made, missing) +
	       4 * bpf_core_field_exists(struct absent, field);
}
PROG(field_signed)
{
	struct made *m = 0;

	return __builtin_preserve_field_info(m->sbits, BPF_FIELD_SIGNED) + 2 * __builtin_preserve_field_info(m->high, BPF_FIELD_SIGNED) +
	       4 * __builtin_preserve_field_info(m->same, BPF_FIELD_SIGNED);
}
PROG(lshift)
{
	struct made *m = put(36, 0, 8);

	return __builtin_preserve_field_info(m->high, BPF_FIELD_LSHIFT_U64);
}
PROG(rshift)
{
	struct made *m = put(36, 0, 8);

	return __builtin_preserve_field_info(m->high, BPF_FIELD_RSHIFT_U64);
}
PROG(type_id_local) { return bpf_core_type_id_local(struct made) != 0 && bpf_core_type_id_local(struct made) != bpf_core_type_id_local(struct inner); }
PROG(type_id_target) { return bpf_core_type_id_kernel(struct made) != 0 && bpf_core_type_id_kernel(struct made) == bpf_core_type_id_kernel(struct made___flavour); }
PROG(type_exists) { return bpf_core_type_exists(struct made) + 2 * bpf_core_type_exists(struct absent) + 4 * bpf_core_type_exists(made_t); }
PROG(type_size) { return bpf_core_type_size(struct made) + 1000 * bpf_core_type_size(struct absent); }
PROG(enumval_exists)
{
	return bpf_core_enum_value_exists(enum color, COLOR_RED) + 2 * bpf_core_enum_value_exists(enum color, COLOR_MISSING);
}
PROG(enumval_value) { return bpf_core_enum_value(enum color, COLOR_RED) * 10 + bpf_core_enum_value(enum color, COLOR_BLUE); }
PROG(type_matches)
{
	return bpf_core_type_matches(struct made___fewer) + 2 * bpf_core_type_matches(struct made___wrong) + 4 * bpf_core_type_matches(struct inner) +
	       8 * bpf_core_type_matches(struct absent) + 16 * bpf_core_type_matches(made_call) + 32 * bpf_core_type_matches(made_call___less) +
	       64 * bpf_core_type_matches(enum large);
}

/* Specs. */

PROG(array)
{
	struct made *m = put(72 + 4 * (2 * 3 + 1), 21, 4);

	return m->row[2][1];
}
PROG(array_end) { return bpf_core_field_exists(((struct made *)0)->row[3]) + 2 * bpf_core_field_exists(((struct made *)0)->row[4]); }
PROG(flexible_array)
{
	struct flexible *f = put(8 + 16 * 3 + 8, 33, 4);

	return f->items[3].key + 100 * bpf_core_field_exists(f->items[1000]);
}

/* Candidates and matching. */

PROG(flavour)
{
	struct made___flavour *m = put(32, 41, 4);

	return m->same;
}
PROG(anonymous)
{
	struct made *m = put(52, 51, 4);

	return m->deep + 100 * (bpf_core_field_offset(struct made, x) == 48);
}
PROG(anonymous_local)
{
	struct made___union *m = put(52, 52, 4);

	return m->deep;
}
PROG(enum_is_enum64) { return bpf_core_enum_value(enum color___64, COLOR_RED___64) == 7; }
PROG(enum64_is_enum) { return bpf_core_enum_value(enum large, LARGE_ONE) == 0x500000001ll; }
PROG(incompatible) { return bpf_core_field_exists(struct made___wrong, same) + 2 * bpf_core_field_exists(struct made___wrong, pointer); }
PROG(twins_agree)
{
	struct twin *t = put(0, 61, 4);

	return t->x;
}
PROG(one_twin)
{
	struct twin *t = put(8, 62, 4);

	return t->only;
}
OFF(twins_disagree)
{
	struct twin *t = (void *)memory;

	return t->y;
}

/* Memory accesses of another size than the object's. */

PROG(narrower)
{
	struct made *m = put(24, 0xaaaa1234, 4);

	put(24, 0x1234, 2);
	return m->narrow == 0x1234;
}
PROG(narrower_store)
{
	struct made *m = put(24, 0, 8);

	m->narrow = skb->len + 0x10000;
	put(28, 0, 4);
	return m->half == 0 && m->narrow == skb->len;
}
PROG(any_pointer)
{
	struct made___pointer *m = put(120, 0x123456789abcll, 8);

	return (unsigned long)m->pointer == 0x123456789abcll;
}
PROG(bits)
{
	struct made *m = (void *)memory;

	/* low is 5, a signed -3; high 0x155; sbits -9. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	put(36, 5 << 4 | 0x155 << 13, 4);
	put(40, (-9 & 31) << 2, 4);
#else
	put(36, 5 << 25 | 0x155 << 10, 4);
	put(40, (-9 & 31) << 25, 4);
#endif
	return BPF_CORE_READ_BITFIELD(m, low) * 1000000 + BPF_CORE_READ_BITFIELD(m, high) * 100 - BPF_CORE_READ_BITFIELD(m, sbits);
}
OFF(signed_mismatch)
{
	struct made *m = put(28, -5, 2);

	return m->negative;
}

/* What the kernel lacks. */

PROG(missing_id) { return bpf_core_type_id_kernel(struct absent) + 7; }
PROG(guarded)
{
	struct made *m = (void *)memory;

	if (bpf_core_field_exists(m->missing))
		return m->missing;
	if (bpf_core_enum_value_exists(enum color, COLOR_MISSING))
		return bpf_core_enum_value(enum color, COLOR_MISSING);
	return 71;
}
OFF(missing_field)
{
	struct made *m = (void *)memory;

	return m->missing;
}
OFF(missing_value) { return bpf_core_enum_value(enum color, COLOR_MISSING); }
OFF(other_kind)
{
	struct made *m = (void *)memory;

	return m->pointer != 0;
}
