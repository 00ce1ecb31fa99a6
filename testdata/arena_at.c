/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* An arena at an address of its own choice, and where variables in it are. Linux 6.9. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BPF_MAP_TYPE_ARENA 33 /* newer than some headers */
#define BASE (1ull << 44)

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	enum { AT = BASE } map_extra; /* __ulong() of newer headers */
} arena SEC(".maps");

char LICENSE[] SEC("license") = "GPL";

__u64 __arena marker = 0x5eb;

/* The page of it, and whether it holds its value. */
SEC("syscall")
int where(void *ctx)
{
	__u64 at = (__u64)&arena, there;

	there = (__u64)(void __arena *)&marker;
	if (!at || marker != 0x5eb)
		return -1;
	return (there - BASE) >> 12;
}
