/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Addresses of twenty kernel functions, which a loader finds in /proc/kallsyms. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define EACH(f)									\
	f(schedule) f(wake_up_process) f(vfs_read) f(vfs_write) f(kfree)	\
	f(__kmalloc_noprof) f(tcp_v4_connect) f(tcp_sendmsg) f(tcp_recvmsg) f(udp_sendmsg) \
	f(ip_rcv) f(dev_queue_xmit) f(do_exit) f(mutex_lock) f(mutex_unlock)	\
	f(d_path) f(kthread_stop) f(sock_sendmsg) f(filp_close) f(jiffies_64)

#define DECLARE(name) extern void name __ksym __weak;
EACH(DECLARE)

__u64 sum;

#define ADD(name) sum += (__u64)&name;

SEC("socket")
int addresses(struct __sk_buff *skb)
{
	EACH(ADD)
	return 0;
}
