/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Values of maps before and after an upgrade. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair { __u32 a; __u32 b; };

struct same_old { __u64 packets; __u64 bytes; char name[8]; };
struct same_new { __u64 packets; __u64 bytes; char name[8]; };

struct renamed_old { __u64 packets; __u64 bytes; };
struct renamed_new { __u64 packets; __u64 octets; };

struct swapped_old { __u64 packets; __u64 bytes; };
struct swapped_new { __u64 bytes; __u64 packets; };

struct split_old { __u64 packets; };
struct split_new { __u32 low; __u32 high; };

struct appended_old { __u64 packets; __u32 last; };
struct appended_new { __u64 packets; __u32 last; __u32 flags; __u64 bytes; };

struct inserted_old { __u64 packets; struct pair p; };
struct inserted_new { __u32 flags; __u64 packets; struct pair p; };

struct padding_old { __u8 kind; __u64 packets; };
struct padding_new { __u8 kind; __u8 more; __u64 packets; };

struct widened_old { __u32 packets; int balance; __u16 port; };
struct widened_new { __u64 packets; long balance; __u16 port; };

struct narrowed_old { __u64 packets; __u64 bytes; };
struct narrowed_new { __u64 packets; __u32 bytes; __u32 errors; __u64 more; };

struct dropped_old { __u64 packets; __u64 bytes; };
struct dropped_new { __u64 packets; };

struct retyped_old { __u64 id; };
struct retyped_new { struct pair id; __u64 more; };

struct array_old { __u32 hist[4]; char comm[16]; };
struct array_new { __u32 hist[8]; char comm[16]; };

struct shrunk_old { __u32 hist[8]; };
struct shrunk_new { __u32 hist[4]; __u64 more[4]; };

struct nested_old { struct { __u32 a; } in; union { __u32 u; __u8 c[4]; } un; };
struct nested_new { struct { __u32 a; __u32 b; } in; union { __u32 u; __u8 c[4]; } un; };

struct unions_old { union { __u32 u; __u8 c[4]; } un; };
struct unions_new { union { __u32 u; __u64 w; __u8 c[8]; } un; };

struct anonymous_old { union { __u32 v4; __u32 any; }; __u32 port; };
struct anonymous_new { __u64 when; union { __u32 v4; __u32 any; }; __u32 port; };

struct bits_old { __u32 a : 3; __u32 b : 5; __u32 n; };
struct bits_new { __u32 a : 3; __u32 b : 5; __u32 c : 4; __u32 n; __u32 more; };

struct bitmove_old { __u32 a : 3; __u32 b : 5; };
struct bitmove_new { __u32 b : 5; __u32 a : 3; __u32 more; };

struct lock_old { struct bpf_spin_lock lock; __u32 n; };
struct lock_new { struct bpf_spin_lock lock; __u32 n; __u64 more; };

struct timer_old { struct bpf_timer timer; __u64 n; };
struct timer_new { struct bpf_timer timer; __u64 n; __u64 more; };

struct kptr_old { struct pair __kptr *p; __u64 n; };
struct kptr_new { struct pair __kptr *p; __u64 n; __u64 more; };

#define BOTH(name) struct name##_old name##_old; struct name##_new name##_new
struct {
	BOTH(same); BOTH(renamed); BOTH(swapped); BOTH(split); BOTH(appended); BOTH(inserted); BOTH(padding);
	BOTH(widened); BOTH(narrowed); BOTH(dropped); BOTH(retyped); BOTH(array); BOTH(shrunk); BOTH(nested);
	BOTH(unions); BOTH(anonymous); BOTH(bits); BOTH(bitmove); BOTH(lock); BOTH(timer); BOTH(kptr);
} all;
