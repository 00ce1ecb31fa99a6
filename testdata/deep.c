/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Accesses of 64 and of 65 levels: a relocation has at most 64. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define IN2(x) struct { struct { x } m; } m;
#define IN8(x) IN2(IN2(IN2(IN2(x))))
#define IN32(x) IN8(IN8(IN8(IN8(x))))
#define AT8 m.m.m.m.m.m.m.m
#define AT32 AT8.AT8.AT8.AT8

struct skep_deep {
	IN32(IN8(IN8(IN8(IN2(IN2(struct { struct { int last; struct { int value; } m; } m; } m;))))))
} __attribute__((preserve_access_index));

SEC("socket")
int deep(struct __sk_buff *skb)
{
	return 5 + bpf_core_field_exists(((struct skep_deep *)0)->AT32.AT8.AT8.AT8.m.m.m.m.m.m.last);
}

SEC("?socket")
int too_deep(struct __sk_buff *skb)
{
	return 5 + bpf_core_field_exists(((struct skep_deep *)0)->AT32.AT8.AT8.AT8.m.m.m.m.m.m.m.value);
}
