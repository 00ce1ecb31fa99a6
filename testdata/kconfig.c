/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* .kconfig externs: strong, weak and absent ones, all value types, one type behind typedefs. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

typedef __u32 version_t;
typedef version_t kernel_version_t;

extern kernel_version_t LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig __weak;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF_JIT __kconfig;
extern unsigned long CONFIG_HZ __kconfig;
extern const char CONFIG_DEFAULT_HOSTNAME[16] __kconfig;
extern char CONFIG_NET __kconfig;
extern __u16 CONFIG_NR_CPUS __kconfig __weak;
extern int CONFIG_SKEP_ABSENT __kconfig __weak;
extern bool CONFIG_SKEP_ABSENT_BOOL __kconfig __weak;

__u64 seen_version, seen_hz, seen_absent = 1;
char seen_hostname[16];

SEC("socket")
int read_config(struct __sk_buff *skb)
{
	seen_version = LINUX_KERNEL_VERSION;
	seen_hz = CONFIG_HZ;
	seen_absent = CONFIG_SKEP_ABSENT;
	for (int i = 0; i < 16; i++)
		seen_hostname[i] = CONFIG_DEFAULT_HOSTNAME[i];
	if (CONFIG_BPF_SYSCALL && CONFIG_BPF_JIT == TRI_YES && CONFIG_NET == 'y')
		return CONFIG_NR_CPUS;
	return CONFIG_SKEP_ABSENT_BOOL || LINUX_HAS_BPF_COOKIE;
}

SEC("socket")
int reads_none(struct __sk_buff *skb)
{
	return 0;
}
