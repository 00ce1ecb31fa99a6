/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A few hundred distinct field relocations, of members that Linux 6.18 has. Those that a kernel lacks are poisoned. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define TASK_STRUCT(I, P) \
	I(task_struct, __state) I(task_struct, saved_state) P(task_struct, stack) \
	I(task_struct, flags) I(task_struct, ptrace) \
	I(task_struct, on_cpu) I(task_struct, wakee_flips) I(task_struct, wakee_flip_decay_ts) \
	P(task_struct, last_wakee) I(task_struct, recent_used_cpu) \
	I(task_struct, wake_cpu) I(task_struct, on_rq) I(task_struct, prio) \
	I(task_struct, static_prio) I(task_struct, normal_prio) \
	I(task_struct, rt_priority) P(task_struct, dl_server) P(task_struct, sched_class) \
	P(task_struct, sched_task_group) I(task_struct, throttled)
#define SOCK(I, P) \
	I(sock, sk_peek_off) P(sock, sk_rx_dst) I(sock, sk_rx_dst_ifindex) \
	I(sock, sk_rx_dst_cookie) I(sock, sk_ll_usec) \
	I(sock, sk_napi_id) I(sock, sk_busy_poll_budget) I(sock, sk_prefer_busy_poll) \
	I(sock, sk_userlocks) I(sock, sk_rcvbuf) \
	P(sock, sk_filter) P(sock, sk_data_ready) I(sock, sk_rcvtimeo) \
	I(sock, sk_rcvlowat) I(sock, sk_err) \
	P(sock, sk_socket) P(sock, sk_memcg) I(sock, sk_reserved_mem) \
	I(sock, sk_forward_alloc) I(sock, sk_tsflags)
#define SK_BUFF(I, P) \
	P(sk_buff, sk) I(sk_buff, _nfct) I(sk_buff, len) \
	I(sk_buff, data_len) I(sk_buff, mac_len) \
	I(sk_buff, hdr_len) I(sk_buff, queue_mapping) I(sk_buff, active_extensions) \
	I(sk_buff, tail) I(sk_buff, end) \
	P(sk_buff, head) P(sk_buff, data) I(sk_buff, truesize) \
	P(sk_buff, extensions)
#define INODE(I, P) \
	I(inode, i_mode) I(inode, i_opflags) I(inode, i_flags) \
	P(inode, i_acl) P(inode, i_default_acl) \
	P(inode, i_op) P(inode, i_sb) P(inode, i_mapping) \
	P(inode, i_security) I(inode, i_ino) \
	I(inode, i_rdev) I(inode, i_size) I(inode, i_atime_sec) \
	I(inode, i_mtime_sec) I(inode, i_ctime_sec) \
	I(inode, i_atime_nsec) I(inode, i_mtime_nsec) I(inode, i_ctime_nsec) \
	I(inode, i_generation) I(inode, i_bytes)
#define DENTRY(I, P) \
	I(dentry, d_flags) P(dentry, d_parent) P(dentry, d_inode) \
	P(dentry, d_op) P(dentry, d_sb) \
	I(dentry, d_time) P(dentry, d_fsdata)
#define FILE(I, P) \
	I(file, f_mode) P(file, f_op) P(file, f_mapping) \
	P(file, private_data) P(file, f_inode) \
	I(file, f_flags) I(file, f_iocb_flags) P(file, f_cred) \
	P(file, f_owner) I(file, f_pos) \
	P(file, f_security) I(file, f_wb_err) I(file, f_sb_err) \
	P(file, f_ep)
#define REQUEST(I, P) \
	P(request, q) P(request, mq_ctx) P(request, mq_hctx) \
	I(request, cmd_flags) I(request, rq_flags) \
	I(request, tag) I(request, internal_tag) I(request, timeout) \
	I(request, __data_len) I(request, __sector) \
	P(request, bio) P(request, biotail) P(request, part) \
	I(request, alloc_time_ns) I(request, start_time_ns) \
	I(request, io_start_time_ns) I(request, wbt_flags) I(request, stats_sectors) \
	I(request, nr_phys_segments) I(request, nr_integrity_segments)
#define NET_DEVICE(I, P) \
	P(net_device, netdev_ops) P(net_device, header_ops) P(net_device, _tx) \
	I(net_device, gso_partial_features) I(net_device, real_num_tx_queues) \
	I(net_device, gso_max_size) I(net_device, gso_ipv4_max_size) I(net_device, gso_max_segs) \
	I(net_device, num_tc) I(net_device, mtu) \
	I(net_device, needed_headroom) P(net_device, nf_hooks_egress) P(net_device, tcx_egress) \
	I(net_device, state) I(net_device, flags) \
	I(net_device, hard_header_len) I(net_device, features) P(net_device, ip6_ptr) \
	P(net_device, xdp_prog) I(net_device, ifindex)
#define SUPER_BLOCK(I, P) \
	I(super_block, s_dev) I(super_block, s_blocksize_bits) I(super_block, s_blocksize) \
	I(super_block, s_maxbytes) P(super_block, s_type) \
	P(super_block, s_op) P(super_block, dq_op) P(super_block, s_qcop) \
	P(super_block, s_export_op) I(super_block, s_flags) \
	I(super_block, s_iflags) I(super_block, s_magic) P(super_block, s_root) \
	I(super_block, s_count) P(super_block, s_security) \
	P(super_block, s_xattr) P(super_block, s_cop) P(super_block, s_master_keys) \
	P(super_block, s_mounts) P(super_block, s_bdev)
#define SIGNAL_STRUCT(I, P) \
	I(signal_struct, nr_threads) I(signal_struct, quick_threads) P(signal_struct, curr_target) \
	I(signal_struct, group_exit_code) I(signal_struct, notify_count) \
	P(signal_struct, group_exec_task) I(signal_struct, group_stop_count) I(signal_struct, flags) \
	P(signal_struct, core_state) I(signal_struct, it_real_incr) \
	P(signal_struct, tty_old_pgrp) I(signal_struct, leader) P(signal_struct, tty) \
	P(signal_struct, autogroup) I(signal_struct, utime) \
	I(signal_struct, stime) I(signal_struct, cutime) I(signal_struct, cstime) \
	I(signal_struct, gtime) I(signal_struct, cgtime)
#define TCP_SOCK(I, P) \
	I(tcp_sock, max_window) I(tcp_sock, rcv_ssthresh) I(tcp_sock, reordering) \
	I(tcp_sock, notsent_lowat) I(tcp_sock, gso_segs) \
	P(tcp_sock, retransmit_skb_hint) I(tcp_sock, tsoffset) I(tcp_sock, snd_wnd) \
	I(tcp_sock, mss_cache) I(tcp_sock, snd_cwnd) \
	I(tcp_sock, prr_out) I(tcp_sock, lost_out) I(tcp_sock, sacked_out) \
	I(tcp_sock, tcp_header_len) I(tcp_sock, scaling_ratio) \
	I(tcp_sock, copied_seq) I(tcp_sock, snd_wl1) I(tcp_sock, tlp_high_seq) \
	I(tcp_sock, rttvar_us) I(tcp_sock, retrans_out)
#define REQUEST_QUEUE(I, P) \
	P(request_queue, queuedata) P(request_queue, elevator) P(request_queue, mq_ops) \
	P(request_queue, queue_ctx) I(request_queue, queue_flags) \
	I(request_queue, rq_timeout) I(request_queue, queue_depth) I(request_queue, nr_hw_queues) \
	P(request_queue, last_merge) I(request_queue, quiesce_depth) \
	P(request_queue, disk) P(request_queue, mq_kobj) P(request_queue, dev) \
	P(request_queue, stats) P(request_queue, rq_qos) \
	I(request_queue, id) I(request_queue, nr_requests) P(request_queue, sched_shared_tags) \
	P(request_queue, root_blkg) I(request_queue, node)
#define GENDISK(I, P) \
	I(gendisk, major) I(gendisk, first_minor) I(gendisk, minors) \
	I(gendisk, events) I(gendisk, event_flags) \
	P(gendisk, part0) P(gendisk, fops) P(gendisk, queue) \
	P(gendisk, private_data) I(gendisk, flags) \
	I(gendisk, state) I(gendisk, open_partitions) P(gendisk, bdi) \
	P(gendisk, slave_dir) P(gendisk, random) \
	P(gendisk, ev) I(gendisk, node_id) P(gendisk, bb) \
	I(gendisk, diskseq) I(gendisk, open_mode)

#define INT(type, name) int name;
#define POINTER(type, name) void *name;
#define STRUCT(type, list)			\
	struct type {				\
		list(INT, POINTER)		\
	} __attribute__((preserve_access_index));

STRUCT(task_struct, TASK_STRUCT)
STRUCT(sock, SOCK)
STRUCT(sk_buff, SK_BUFF)
STRUCT(inode, INODE)
STRUCT(dentry, DENTRY)
STRUCT(file, FILE)
STRUCT(request, REQUEST)
STRUCT(net_device, NET_DEVICE)
STRUCT(super_block, SUPER_BLOCK)
STRUCT(signal_struct, SIGNAL_STRUCT)
STRUCT(tcp_sock, TCP_SOCK)
STRUCT(request_queue, REQUEST_QUEUE)
STRUCT(gendisk, GENDISK)

__u64 sum;

#define ADD(type, name) sum += bpf_core_field_offset(struct type, name);

SEC("socket")
int offsets(struct __sk_buff *skb)
{
	TASK_STRUCT(ADD, ADD)
	SOCK(ADD, ADD)
	SK_BUFF(ADD, ADD)
	INODE(ADD, ADD)
	DENTRY(ADD, ADD)
	FILE(ADD, ADD)
	REQUEST(ADD, ADD)
	NET_DEVICE(ADD, ADD)
	SUPER_BLOCK(ADD, ADD)
	SIGNAL_STRUCT(ADD, ADD)
	TCP_SOCK(ADD, ADD)
	REQUEST_QUEUE(ADD, ADD)
	GENDISK(ADD, ADD)
	return 0;
}
