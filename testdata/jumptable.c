/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Indirect jumps, in a program and in a function that it calls. Linux 6.19. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Keeps the compiler from making a table of values of it. */
#define set(x, n) asm volatile("%[v] = " #n : [v] "=r"(x))

char LICENSE[] SEC("license") = "GPL";

struct args {
	__u64 choice;
};

__attribute__((noinline)) static __u64 choose(__u64 n)
{
	__u64 r;

	switch (n) {
	case 0: set(r, 11); break;
	case 1: set(r, 23); break;
	case 2: set(r, 35); break;
	case 3: set(r, 47); break;
	case 4: set(r, 51); break;
	case 5: set(r, 68); break;
	case 6: set(r, 72); break;
	case 7: set(r, 83); break;
	case 8: set(r, 97); break;
	case 9: set(r, 105); break;
	case 10: set(r, 116); break;
	case 11: set(r, 128); break;
	case 12: set(r, 132); break;
	case 13: set(r, 149); break;
	case 14: set(r, 153); break;
	case 15: set(r, 161); break;
	default: set(r, 99); break;
	}
	return r;
}

SEC("syscall")
int jump(struct args *a)
{
	__u64 r;

	switch (a->choice) {
	case 0: set(r, 1077); break;
	case 1: set(r, 1161); break;
	case 2: set(r, 1245); break;
	case 3: set(r, 1329); break;
	case 4: set(r, 1357); break;
	case 5: set(r, 1476); break;
	case 6: set(r, 1504); break;
	case 7: set(r, 1581); break;
	case 8: set(r, 1679); break;
	case 9: set(r, 1735); break;
	case 10: set(r, 1812); break;
	case 11: set(r, 1896); break;
	case 12: set(r, 1924); break;
	case 13: set(r, 2043); break;
	case 14: set(r, 2071); break;
	case 15: set(r, 2127); break;
	default: r = choose(a->choice - 16); break;
	}
	return r;
}
