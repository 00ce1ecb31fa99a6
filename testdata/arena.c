/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Pointers into an arena, and variables that lie in it. Linux 6.9. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BPF_MAP_TYPE_ARENA 33 /* newer than some headers */

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
} arena SEC(".maps");

void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 pages, int node, __u64 flags) __ksym;

char LICENSE[] SEC("license") = "GPL";

int __arena first = 7;
int __arena second;
int __arena *__arena page;

SEC("syscall")
int sum(void *ctx)
{
	second = first + 35;
	return second;
}

SEC("syscall")
int allocate(void *ctx)
{
	int __arena *p = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);

	if (!p)
		return 1;
	*p = 0x5eb;
	page = p;
	return 0;
}
