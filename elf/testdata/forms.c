// Forms that libbpf refuses or that few compilers emit: static maps, programs
// that are static, an extern map, functions called by address, variables of
// one name, a hand-made struct_ops value, arena variables.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define SECTION(name) __attribute__((section(name), used))

char LICENSE[] SEC("license") = "GPL";

static struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int);
	__type(value, long);
	__uint(max_entries, 4);
} hidden_map SECTION(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 16);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(numa_node, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} plain SEC(".maps") __weak;

struct elsewhere {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, int);
	__type(value, int);
	__uint(max_entries, 1);
};

extern struct elsewhere other_map SEC(".maps") __weak;

// Newer than Debian's headers.
#define MAP_TYPE_ARENA 33
#define __ulong(name, val) enum { __unique_value_##name = val } name

struct {
	__uint(type, MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 10);
	__ulong(map_extra, 1ull << 44);
} arena SEC(".maps");

#define __arena __attribute__((address_space(1)))
int __arena in_arena = 7;

int custom SEC(".data.custom") = 1;
static int counter SEC(".bss.mine");
extern int unlinked(int);

static int SECTION("tc") lonely(struct __sk_buff *skb)
{
	int key = 0;

	counter++;
	bpf_map_update_elem(&hidden_map, &key, &(long){1}, 0);
	return bpf_map_lookup_elem(&plain, &key) != 0;
}

SEC("xdp/lo") int odd_name(struct xdp_md *ctx)
{
	int key = 0;

	in_arena = key;
	if (&other_map)
		bpf_map_delete_elem(&other_map, &key);
	return custom;
}

SEC("?tc") int off(struct __sk_buff *skb)
{
	return unlinked(3);
}

SEC("struct_ops/init") int op_init(void *ctx)
{
	return 0;
}

SEC("struct_ops.s/release") int op_release(void *ctx)
{
	return 1;
}

struct demo_ops {
	int (*init)(void *);
	long flags;
	int (*release)(void *);
	char name[8];
};

SEC(".struct_ops") struct demo_ops plain_ops = {
	.init = op_init, .flags = 5, .name = "plain"};
SEC("?.struct_ops.link") struct demo_ops link_ops = {
	.release = op_release, .init = op_init, .name = "link"};
