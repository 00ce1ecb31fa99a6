/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A program for each type that a .kconfig extern can have, which returns its value. No kernel sets these options. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define EACH(name, type, option)                 \
	extern type option __kconfig __weak;     \
	SEC("socket")                            \
	int name(struct __sk_buff *skb)          \
	{                                        \
		return option;                   \
	}

EACH(boolean, bool, CONFIG_SKEP_BOOL)
EACH(tristate, enum libbpf_tristate, CONFIG_SKEP_TRISTATE)
EACH(character, char, CONFIG_SKEP_CHAR)
EACH(s8, signed char, CONFIG_SKEP_S8)
EACH(u8, unsigned char, CONFIG_SKEP_U8)
EACH(s16, short, CONFIG_SKEP_S16)
EACH(u16, unsigned short, CONFIG_SKEP_U16)
EACH(s32, int, CONFIG_SKEP_S32)
EACH(u32, unsigned int, CONFIG_SKEP_U32)
EACH(s64, long, CONFIG_SKEP_S64)
EACH(u64, unsigned long, CONFIG_SKEP_U64)

extern const char CONFIG_SKEP_STRING[5] __kconfig __weak;

/* Three of its characters, and where it ends. */
SEC("socket")
int string(struct __sk_buff *skb)
{
	return CONFIG_SKEP_STRING[0] << 24 | CONFIG_SKEP_STRING[1] << 16 | CONFIG_SKEP_STRING[3] << 8 | CONFIG_SKEP_STRING[4];
}

/* The upper halves. */
SEC("socket")
int upper(struct __sk_buff *skb)
{
	return (unsigned long)CONFIG_SKEP_S64 >> 32 ^ CONFIG_SKEP_U64 >> 32;
}
