/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Objects that BPF allocates and the kernel's lists and trees of them. The
 * kernel knows these structs by name and size; the system's header may lack
 * them, or name what is inside: it declares its own, of the sizes since Linux 6.6.
 */
#define bpf_list_head uapi_bpf_list_head
#define bpf_list_node uapi_bpf_list_node
#define bpf_rb_root uapi_bpf_rb_root
#define bpf_rb_node uapi_bpf_rb_node
#define bpf_wq uapi_bpf_wq
#include <linux/bpf.h>
#undef bpf_list_head
#undef bpf_list_node
#undef bpf_rb_root
#undef bpf_rb_node
#undef bpf_wq
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct bpf_list_head {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_list_node {
	__u64 opaque[3];
} __attribute__((aligned(8)));

struct bpf_rb_root {
	__u64 opaque[2];
} __attribute__((aligned(8)));

struct bpf_rb_node {
	__u64 opaque[4];
} __attribute__((aligned(8)));

struct bpf_wq {
	__u64 opaque[2];
} __attribute__((aligned(8)));

/* Which struct a root holds, and by which member. */
#define __contains(type, member) __attribute__((btf_decl_tag("contains:" #type ":" #member)))
#define __kptr __attribute__((btf_type_tag("kptr")))

extern void *bpf_obj_new_impl(__u64 type, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *object, void *meta) __ksym;

#define new(type) ((type *)bpf_obj_new_impl(bpf_core_type_id_local(type), 0))
#define drop(object) bpf_obj_drop_impl(object, 0)
#define holder_of(p, type, member) ((type *)((void *)(p) - __builtin_offsetof(type, member)))
