/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Streams: what a program writes for whoever holds its descriptor. The kernel
 * function was renamed in Linux 6.18 and back in 7.0. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_stream_vprintk(int stream, const char *fmt, const void *args, __u32 len) __ksym __weak;
extern int bpf_stream_vprintk_impl(int stream, const char *fmt, const void *args, __u32 len, void *aux) __ksym __weak;

const char out[] = "n is %d\n";
const char err[] = "oh\n";

SEC("syscall")
int shout(__u32 *n)
{
	__u64 args[1] = {*n};
	int ret;

	if (bpf_stream_vprintk_impl) {
		ret = bpf_stream_vprintk_impl(1, out, args, sizeof(args), 0);
		return ret ? ret : bpf_stream_vprintk_impl(2, err, args, 0, 0);
	}
	if (!bpf_stream_vprintk)
		return -38; /* ENOSYS: before Linux 6.17 */
	ret = bpf_stream_vprintk(1, out, args, sizeof(args));
	return ret ? ret : bpf_stream_vprintk(2, err, args, 0);
}
