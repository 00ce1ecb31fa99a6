/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* .kconfig externs of every type; no kernel sets them, so that the loader is told their values. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

typedef const volatile __s64 wrapped;

extern bool CONFIG_SKEP_BOOL __kconfig __weak;
extern enum libbpf_tristate CONFIG_SKEP_TRISTATE __kconfig __weak;
extern char CONFIG_SKEP_CHAR __kconfig __weak;
extern unsigned char CONFIG_SKEP_U8 __kconfig __weak;
extern short CONFIG_SKEP_S16 __kconfig __weak;
extern __u16 CONFIG_SKEP_U16 __kconfig __weak;
extern int CONFIG_SKEP_S32 __kconfig __weak;
extern __u32 CONFIG_SKEP_U32 __kconfig __weak;
extern wrapped CONFIG_SKEP_S64 __kconfig __weak;
extern __u64 CONFIG_SKEP_U64 __kconfig __weak;
extern const char CONFIG_SKEP_STRING[7] __kconfig __weak;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int LINUX_HAS_SKEP_WINGS __kconfig __weak;

struct {
	__s64 s64, s32, s16;
	__u64 u64, u32, u16, u8;
	__s64 boolean, tristate, character, wrapper, wings;
	char string[8];
} seen;

SEC("socket")
int types(struct __sk_buff *skb)
{
	seen.s64 = CONFIG_SKEP_S64;
	seen.s32 = CONFIG_SKEP_S32;
	seen.s16 = CONFIG_SKEP_S16;
	seen.u64 = CONFIG_SKEP_U64;
	seen.u32 = CONFIG_SKEP_U32;
	seen.u16 = CONFIG_SKEP_U16;
	seen.u8 = CONFIG_SKEP_U8;
	seen.boolean = CONFIG_SKEP_BOOL;
	seen.tristate = CONFIG_SKEP_TRISTATE;
	seen.character = CONFIG_SKEP_CHAR;
	seen.wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	seen.wings = LINUX_HAS_SKEP_WINGS;
	for (int i = 0; i < 7; i++)
		seen.string[i] = CONFIG_SKEP_STRING[i];
	return 1;
}
