// No BTF (built without -g): legacy maps, a section call, data by symbol.
#include <linux/bpf.h>

#define SECTION(name) __attribute__((section(name), used))

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags, pad[2];
};

struct bpf_map_def SECTION("maps") first = {BPF_MAP_TYPE_HASH, 4, 8, 16, BPF_F_NO_PREALLOC};
static struct bpf_map_def SECTION("maps") second = {BPF_MAP_TYPE_ARRAY, 4, 4, 1};

int total;
static int state = 4;
const volatile int limit = 9;
char _license[] SECTION("license") = "GPL";
int _version SECTION("version") = 0x50a00;

static void *(*lookup)(void *, const void *) = (void *)BPF_FUNC_map_lookup_elem;

static __attribute__((noinline)) int helper(int n)
{
	state += n;
	return state + limit;
}

extern int missing(int) __attribute__((weak));

int SECTION("socket") entry(struct __sk_buff *skb)
{
	int key = helper(skb->len);

	total += key;
	if (lookup(&first, &key))
		return 1;
	return lookup(&second, &key) != 0;
}

int SECTION("kprobe/do_nanosleep") uses_missing(void *ctx)
{
	return missing(1);
}
