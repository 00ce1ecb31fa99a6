package asm

// The helpers, numbered by ___BPF_FUNC_MAPPER of linux/bpf.h. The kernel calls
// the list frozen: newer functions are kfuncs.
const (
	FnUnspec                     FuncID = 0   // no helper
	FnMapLookupElem              FuncID = 1   // bpf_map_lookup_elem
	FnMapUpdateElem              FuncID = 2   // bpf_map_update_elem
	FnMapDeleteElem              FuncID = 3   // bpf_map_delete_elem
	FnProbeRead                  FuncID = 4   // bpf_probe_read
	FnKtimeGetNs                 FuncID = 5   // bpf_ktime_get_ns
	FnTracePrintk                FuncID = 6   // bpf_trace_printk
	FnGetPrandomU32              FuncID = 7   // bpf_get_prandom_u32
	FnGetSmpProcessorId          FuncID = 8   // bpf_get_smp_processor_id
	FnSkbStoreBytes              FuncID = 9   // bpf_skb_store_bytes
	FnL3CsumReplace              FuncID = 10  // bpf_l3_csum_replace
	FnL4CsumReplace              FuncID = 11  // bpf_l4_csum_replace
	FnTailCall                   FuncID = 12  // bpf_tail_call
	FnCloneRedirect              FuncID = 13  // bpf_clone_redirect
	FnGetCurrentPidTgid          FuncID = 14  // bpf_get_current_pid_tgid
	FnGetCurrentUidGid           FuncID = 15  // bpf_get_current_uid_gid
	FnGetCurrentComm             FuncID = 16  // bpf_get_current_comm
	FnGetCgroupClassid           FuncID = 17  // bpf_get_cgroup_classid
	FnSkbVlanPush                FuncID = 18  // bpf_skb_vlan_push
	FnSkbVlanPop                 FuncID = 19  // bpf_skb_vlan_pop
	FnSkbGetTunnelKey            FuncID = 20  // bpf_skb_get_tunnel_key
	FnSkbSetTunnelKey            FuncID = 21  // bpf_skb_set_tunnel_key
	FnPerfEventRead              FuncID = 22  // bpf_perf_event_read
	FnRedirect                   FuncID = 23  // bpf_redirect
	FnGetRouteRealm              FuncID = 24  // bpf_get_route_realm
	FnPerfEventOutput            FuncID = 25  // bpf_perf_event_output
	FnSkbLoadBytes               FuncID = 26  // bpf_skb_load_bytes
	FnGetStackid                 FuncID = 27  // bpf_get_stackid
	FnCsumDiff                   FuncID = 28  // bpf_csum_diff
	FnSkbGetTunnelOpt            FuncID = 29  // bpf_skb_get_tunnel_opt
	FnSkbSetTunnelOpt            FuncID = 30  // bpf_skb_set_tunnel_opt
	FnSkbChangeProto             FuncID = 31  // bpf_skb_change_proto
	FnSkbChangeType              FuncID = 32  // bpf_skb_change_type
	FnSkbUnderCgroup             FuncID = 33  // bpf_skb_under_cgroup
	FnGetHashRecalc              FuncID = 34  // bpf_get_hash_recalc
	FnGetCurrentTask             FuncID = 35  // bpf_get_current_task
	FnProbeWriteUser             FuncID = 36  // bpf_probe_write_user
	FnCurrentTaskUnderCgroup     FuncID = 37  // bpf_current_task_under_cgroup
	FnSkbChangeTail              FuncID = 38  // bpf_skb_change_tail
	FnSkbPullData                FuncID = 39  // bpf_skb_pull_data
	FnCsumUpdate                 FuncID = 40  // bpf_csum_update
	FnSetHashInvalid             FuncID = 41  // bpf_set_hash_invalid
	FnGetNumaNodeId              FuncID = 42  // bpf_get_numa_node_id
	FnSkbChangeHead              FuncID = 43  // bpf_skb_change_head
	FnXdpAdjustHead              FuncID = 44  // bpf_xdp_adjust_head
	FnProbeReadStr               FuncID = 45  // bpf_probe_read_str
	FnGetSocketCookie            FuncID = 46  // bpf_get_socket_cookie
	FnGetSocketUid               FuncID = 47  // bpf_get_socket_uid
	FnSetHash                    FuncID = 48  // bpf_set_hash
	FnSetsockopt                 FuncID = 49  // bpf_setsockopt
	FnSkbAdjustRoom              FuncID = 50  // bpf_skb_adjust_room
	FnRedirectMap                FuncID = 51  // bpf_redirect_map
	FnSkRedirectMap              FuncID = 52  // bpf_sk_redirect_map
	FnSockMapUpdate              FuncID = 53  // bpf_sock_map_update
	FnXdpAdjustMeta              FuncID = 54  // bpf_xdp_adjust_meta
	FnPerfEventReadValue         FuncID = 55  // bpf_perf_event_read_value
	FnPerfProgReadValue          FuncID = 56  // bpf_perf_prog_read_value
	FnGetsockopt                 FuncID = 57  // bpf_getsockopt
	FnOverrideReturn             FuncID = 58  // bpf_override_return
	FnSockOpsCbFlagsSet          FuncID = 59  // bpf_sock_ops_cb_flags_set
	FnMsgRedirectMap             FuncID = 60  // bpf_msg_redirect_map
	FnMsgApplyBytes              FuncID = 61  // bpf_msg_apply_bytes
	FnMsgCorkBytes               FuncID = 62  // bpf_msg_cork_bytes
	FnMsgPullData                FuncID = 63  // bpf_msg_pull_data
	FnBind                       FuncID = 64  // bpf_bind
	FnXdpAdjustTail              FuncID = 65  // bpf_xdp_adjust_tail
	FnSkbGetXfrmState            FuncID = 66  // bpf_skb_get_xfrm_state
	FnGetStack                   FuncID = 67  // bpf_get_stack
	FnSkbLoadBytesRelative       FuncID = 68  // bpf_skb_load_bytes_relative
	FnFibLookup                  FuncID = 69  // bpf_fib_lookup
	FnSockHashUpdate             FuncID = 70  // bpf_sock_hash_update
	FnMsgRedirectHash            FuncID = 71  // bpf_msg_redirect_hash
	FnSkRedirectHash             FuncID = 72  // bpf_sk_redirect_hash
	FnLwtPushEncap               FuncID = 73  // bpf_lwt_push_encap
	FnLwtSeg6StoreBytes          FuncID = 74  // bpf_lwt_seg6_store_bytes
	FnLwtSeg6AdjustSrh           FuncID = 75  // bpf_lwt_seg6_adjust_srh
	FnLwtSeg6Action              FuncID = 76  // bpf_lwt_seg6_action
	FnRcRepeat                   FuncID = 77  // bpf_rc_repeat
	FnRcKeydown                  FuncID = 78  // bpf_rc_keydown
	FnSkbCgroupId                FuncID = 79  // bpf_skb_cgroup_id
	FnGetCurrentCgroupId         FuncID = 80  // bpf_get_current_cgroup_id
	FnGetLocalStorage            FuncID = 81  // bpf_get_local_storage
	FnSkSelectReuseport          FuncID = 82  // bpf_sk_select_reuseport
	FnSkbAncestorCgroupId        FuncID = 83  // bpf_skb_ancestor_cgroup_id
	FnSkLookupTcp                FuncID = 84  // bpf_sk_lookup_tcp
	FnSkLookupUdp                FuncID = 85  // bpf_sk_lookup_udp
	FnSkRelease                  FuncID = 86  // bpf_sk_release
	FnMapPushElem                FuncID = 87  // bpf_map_push_elem
	FnMapPopElem                 FuncID = 88  // bpf_map_pop_elem
	FnMapPeekElem                FuncID = 89  // bpf_map_peek_elem
	FnMsgPushData                FuncID = 90  // bpf_msg_push_data
	FnMsgPopData                 FuncID = 91  // bpf_msg_pop_data
	FnRcPointerRel               FuncID = 92  // bpf_rc_pointer_rel
	FnSpinLock                   FuncID = 93  // bpf_spin_lock
	FnSpinUnlock                 FuncID = 94  // bpf_spin_unlock
	FnSkFullsock                 FuncID = 95  // bpf_sk_fullsock
	FnTcpSock                    FuncID = 96  // bpf_tcp_sock
	FnSkbEcnSetCe                FuncID = 97  // bpf_skb_ecn_set_ce
	FnGetListenerSock            FuncID = 98  // bpf_get_listener_sock
	FnSkcLookupTcp               FuncID = 99  // bpf_skc_lookup_tcp
	FnTcpCheckSyncookie          FuncID = 100 // bpf_tcp_check_syncookie
	FnSysctlGetName              FuncID = 101 // bpf_sysctl_get_name
	FnSysctlGetCurrentValue      FuncID = 102 // bpf_sysctl_get_current_value
	FnSysctlGetNewValue          FuncID = 103 // bpf_sysctl_get_new_value
	FnSysctlSetNewValue          FuncID = 104 // bpf_sysctl_set_new_value
	FnStrtol                     FuncID = 105 // bpf_strtol
	FnStrtoul                    FuncID = 106 // bpf_strtoul
	FnSkStorageGet               FuncID = 107 // bpf_sk_storage_get
	FnSkStorageDelete            FuncID = 108 // bpf_sk_storage_delete
	FnSendSignal                 FuncID = 109 // bpf_send_signal
	FnTcpGenSyncookie            FuncID = 110 // bpf_tcp_gen_syncookie
	FnSkbOutput                  FuncID = 111 // bpf_skb_output
	FnProbeReadUser              FuncID = 112 // bpf_probe_read_user
	FnProbeReadKernel            FuncID = 113 // bpf_probe_read_kernel
	FnProbeReadUserStr           FuncID = 114 // bpf_probe_read_user_str
	FnProbeReadKernelStr         FuncID = 115 // bpf_probe_read_kernel_str
	FnTcpSendAck                 FuncID = 116 // bpf_tcp_send_ack
	FnSendSignalThread           FuncID = 117 // bpf_send_signal_thread
	FnJiffies64                  FuncID = 118 // bpf_jiffies64
	FnReadBranchRecords          FuncID = 119 // bpf_read_branch_records
	FnGetNsCurrentPidTgid        FuncID = 120 // bpf_get_ns_current_pid_tgid
	FnXdpOutput                  FuncID = 121 // bpf_xdp_output
	FnGetNetnsCookie             FuncID = 122 // bpf_get_netns_cookie
	FnGetCurrentAncestorCgroupId FuncID = 123 // bpf_get_current_ancestor_cgroup_id
	FnSkAssign                   FuncID = 124 // bpf_sk_assign
	FnKtimeGetBootNs             FuncID = 125 // bpf_ktime_get_boot_ns
	FnSeqPrintf                  FuncID = 126 // bpf_seq_printf
	FnSeqWrite                   FuncID = 127 // bpf_seq_write
	FnSkCgroupId                 FuncID = 128 // bpf_sk_cgroup_id
	FnSkAncestorCgroupId         FuncID = 129 // bpf_sk_ancestor_cgroup_id
	FnRingbufOutput              FuncID = 130 // bpf_ringbuf_output
	FnRingbufReserve             FuncID = 131 // bpf_ringbuf_reserve
	FnRingbufSubmit              FuncID = 132 // bpf_ringbuf_submit
	FnRingbufDiscard             FuncID = 133 // bpf_ringbuf_discard
	FnRingbufQuery               FuncID = 134 // bpf_ringbuf_query
	FnCsumLevel                  FuncID = 135 // bpf_csum_level
	FnSkcToTcp6Sock              FuncID = 136 // bpf_skc_to_tcp6_sock
	FnSkcToTcpSock               FuncID = 137 // bpf_skc_to_tcp_sock
	FnSkcToTcpTimewaitSock       FuncID = 138 // bpf_skc_to_tcp_timewait_sock
	FnSkcToTcpRequestSock        FuncID = 139 // bpf_skc_to_tcp_request_sock
	FnSkcToUdp6Sock              FuncID = 140 // bpf_skc_to_udp6_sock
	FnGetTaskStack               FuncID = 141 // bpf_get_task_stack
	FnLoadHdrOpt                 FuncID = 142 // bpf_load_hdr_opt
	FnStoreHdrOpt                FuncID = 143 // bpf_store_hdr_opt
	FnReserveHdrOpt              FuncID = 144 // bpf_reserve_hdr_opt
	FnInodeStorageGet            FuncID = 145 // bpf_inode_storage_get
	FnInodeStorageDelete         FuncID = 146 // bpf_inode_storage_delete
	FnDPath                      FuncID = 147 // bpf_d_path
	FnCopyFromUser               FuncID = 148 // bpf_copy_from_user
	FnSnprintfBtf                FuncID = 149 // bpf_snprintf_btf
	FnSeqPrintfBtf               FuncID = 150 // bpf_seq_printf_btf
	FnSkbCgroupClassid           FuncID = 151 // bpf_skb_cgroup_classid
	FnRedirectNeigh              FuncID = 152 // bpf_redirect_neigh
	FnPerCpuPtr                  FuncID = 153 // bpf_per_cpu_ptr
	FnThisCpuPtr                 FuncID = 154 // bpf_this_cpu_ptr
	FnRedirectPeer               FuncID = 155 // bpf_redirect_peer
	FnTaskStorageGet             FuncID = 156 // bpf_task_storage_get
	FnTaskStorageDelete          FuncID = 157 // bpf_task_storage_delete
	FnGetCurrentTaskBtf          FuncID = 158 // bpf_get_current_task_btf
	FnBprmOptsSet                FuncID = 159 // bpf_bprm_opts_set
	FnKtimeGetCoarseNs           FuncID = 160 // bpf_ktime_get_coarse_ns
	FnImaInodeHash               FuncID = 161 // bpf_ima_inode_hash
	FnSockFromFile               FuncID = 162 // bpf_sock_from_file
	FnCheckMtu                   FuncID = 163 // bpf_check_mtu
	FnForEachMapElem             FuncID = 164 // bpf_for_each_map_elem
	FnSnprintf                   FuncID = 165 // bpf_snprintf
	FnSysBpf                     FuncID = 166 // bpf_sys_bpf
	FnBtfFindByNameKind          FuncID = 167 // bpf_btf_find_by_name_kind
	FnSysClose                   FuncID = 168 // bpf_sys_close
	FnTimerInit                  FuncID = 169 // bpf_timer_init
	FnTimerSetCallback           FuncID = 170 // bpf_timer_set_callback
	FnTimerStart                 FuncID = 171 // bpf_timer_start
	FnTimerCancel                FuncID = 172 // bpf_timer_cancel
	FnGetFuncIp                  FuncID = 173 // bpf_get_func_ip
	FnGetAttachCookie            FuncID = 174 // bpf_get_attach_cookie
	FnTaskPtRegs                 FuncID = 175 // bpf_task_pt_regs
	FnGetBranchSnapshot          FuncID = 176 // bpf_get_branch_snapshot
	FnTraceVprintk               FuncID = 177 // bpf_trace_vprintk
	FnSkcToUnixSock              FuncID = 178 // bpf_skc_to_unix_sock
	FnKallsymsLookupName         FuncID = 179 // bpf_kallsyms_lookup_name
	FnFindVma                    FuncID = 180 // bpf_find_vma
	FnLoop                       FuncID = 181 // bpf_loop
	FnStrncmp                    FuncID = 182 // bpf_strncmp
	FnGetFuncArg                 FuncID = 183 // bpf_get_func_arg
	FnGetFuncRet                 FuncID = 184 // bpf_get_func_ret
	FnGetFuncArgCnt              FuncID = 185 // bpf_get_func_arg_cnt
	FnGetRetval                  FuncID = 186 // bpf_get_retval
	FnSetRetval                  FuncID = 187 // bpf_set_retval
	FnXdpGetBuffLen              FuncID = 188 // bpf_xdp_get_buff_len
	FnXdpLoadBytes               FuncID = 189 // bpf_xdp_load_bytes
	FnXdpStoreBytes              FuncID = 190 // bpf_xdp_store_bytes
	FnCopyFromUserTask           FuncID = 191 // bpf_copy_from_user_task
	FnSkbSetTstamp               FuncID = 192 // bpf_skb_set_tstamp
	FnImaFileHash                FuncID = 193 // bpf_ima_file_hash
	FnKptrXchg                   FuncID = 194 // bpf_kptr_xchg
	FnMapLookupPercpuElem        FuncID = 195 // bpf_map_lookup_percpu_elem
	FnSkcToMptcpSock             FuncID = 196 // bpf_skc_to_mptcp_sock
	FnDynptrFromMem              FuncID = 197 // bpf_dynptr_from_mem
	FnRingbufReserveDynptr       FuncID = 198 // bpf_ringbuf_reserve_dynptr
	FnRingbufSubmitDynptr        FuncID = 199 // bpf_ringbuf_submit_dynptr
	FnRingbufDiscardDynptr       FuncID = 200 // bpf_ringbuf_discard_dynptr
	FnDynptrRead                 FuncID = 201 // bpf_dynptr_read
	FnDynptrWrite                FuncID = 202 // bpf_dynptr_write
	FnDynptrData                 FuncID = 203 // bpf_dynptr_data
	FnTcpRawGenSyncookieIpv4     FuncID = 204 // bpf_tcp_raw_gen_syncookie_ipv4
	FnTcpRawGenSyncookieIpv6     FuncID = 205 // bpf_tcp_raw_gen_syncookie_ipv6
	FnTcpRawCheckSyncookieIpv4   FuncID = 206 // bpf_tcp_raw_check_syncookie_ipv4
	FnTcpRawCheckSyncookieIpv6   FuncID = 207 // bpf_tcp_raw_check_syncookie_ipv6
	FnKtimeGetTaiNs              FuncID = 208 // bpf_ktime_get_tai_ns
	FnUserRingbufDrain           FuncID = 209 // bpf_user_ringbuf_drain
	FnCgrpStorageGet             FuncID = 210 // bpf_cgrp_storage_get
	FnCgrpStorageDelete          FuncID = 211 // bpf_cgrp_storage_delete
)

// helperNames has the C names without "bpf_", by FuncID.
var helperNames = [...]string{
	"unspec", "map_lookup_elem", "map_update_elem", "map_delete_elem", "probe_read", "ktime_get_ns",
	"trace_printk", "get_prandom_u32", "get_smp_processor_id", "skb_store_bytes", "l3_csum_replace",
	"l4_csum_replace", "tail_call", "clone_redirect", "get_current_pid_tgid", "get_current_uid_gid",
	"get_current_comm", "get_cgroup_classid", "skb_vlan_push", "skb_vlan_pop", "skb_get_tunnel_key",
	"skb_set_tunnel_key", "perf_event_read", "redirect", "get_route_realm", "perf_event_output",
	"skb_load_bytes", "get_stackid", "csum_diff", "skb_get_tunnel_opt", "skb_set_tunnel_opt",
	"skb_change_proto", "skb_change_type", "skb_under_cgroup", "get_hash_recalc", "get_current_task",
	"probe_write_user", "current_task_under_cgroup", "skb_change_tail", "skb_pull_data", "csum_update",
	"set_hash_invalid", "get_numa_node_id", "skb_change_head", "xdp_adjust_head", "probe_read_str",
	"get_socket_cookie", "get_socket_uid", "set_hash", "setsockopt", "skb_adjust_room", "redirect_map",
	"sk_redirect_map", "sock_map_update", "xdp_adjust_meta", "perf_event_read_value", "perf_prog_read_value",
	"getsockopt", "override_return", "sock_ops_cb_flags_set", "msg_redirect_map", "msg_apply_bytes",
	"msg_cork_bytes", "msg_pull_data", "bind", "xdp_adjust_tail", "skb_get_xfrm_state", "get_stack",
	"skb_load_bytes_relative", "fib_lookup", "sock_hash_update", "msg_redirect_hash", "sk_redirect_hash",
	"lwt_push_encap", "lwt_seg6_store_bytes", "lwt_seg6_adjust_srh", "lwt_seg6_action", "rc_repeat",
	"rc_keydown", "skb_cgroup_id", "get_current_cgroup_id", "get_local_storage", "sk_select_reuseport",
	"skb_ancestor_cgroup_id", "sk_lookup_tcp", "sk_lookup_udp", "sk_release", "map_push_elem", "map_pop_elem",
	"map_peek_elem", "msg_push_data", "msg_pop_data", "rc_pointer_rel", "spin_lock", "spin_unlock",
	"sk_fullsock", "tcp_sock", "skb_ecn_set_ce", "get_listener_sock", "skc_lookup_tcp", "tcp_check_syncookie",
	"sysctl_get_name", "sysctl_get_current_value", "sysctl_get_new_value", "sysctl_set_new_value", "strtol",
	"strtoul", "sk_storage_get", "sk_storage_delete", "send_signal", "tcp_gen_syncookie", "skb_output",
	"probe_read_user", "probe_read_kernel", "probe_read_user_str", "probe_read_kernel_str", "tcp_send_ack",
	"send_signal_thread", "jiffies64", "read_branch_records", "get_ns_current_pid_tgid", "xdp_output",
	"get_netns_cookie", "get_current_ancestor_cgroup_id", "sk_assign", "ktime_get_boot_ns", "seq_printf",
	"seq_write", "sk_cgroup_id", "sk_ancestor_cgroup_id", "ringbuf_output", "ringbuf_reserve",
	"ringbuf_submit", "ringbuf_discard", "ringbuf_query", "csum_level", "skc_to_tcp6_sock", "skc_to_tcp_sock",
	"skc_to_tcp_timewait_sock", "skc_to_tcp_request_sock", "skc_to_udp6_sock", "get_task_stack",
	"load_hdr_opt", "store_hdr_opt", "reserve_hdr_opt", "inode_storage_get", "inode_storage_delete", "d_path",
	"copy_from_user", "snprintf_btf", "seq_printf_btf", "skb_cgroup_classid", "redirect_neigh", "per_cpu_ptr",
	"this_cpu_ptr", "redirect_peer", "task_storage_get", "task_storage_delete", "get_current_task_btf",
	"bprm_opts_set", "ktime_get_coarse_ns", "ima_inode_hash", "sock_from_file", "check_mtu",
	"for_each_map_elem", "snprintf", "sys_bpf", "btf_find_by_name_kind", "sys_close", "timer_init",
	"timer_set_callback", "timer_start", "timer_cancel", "get_func_ip", "get_attach_cookie", "task_pt_regs",
	"get_branch_snapshot", "trace_vprintk", "skc_to_unix_sock", "kallsyms_lookup_name", "find_vma", "loop",
	"strncmp", "get_func_arg", "get_func_ret", "get_func_arg_cnt", "get_retval", "set_retval",
	"xdp_get_buff_len", "xdp_load_bytes", "xdp_store_bytes", "copy_from_user_task", "skb_set_tstamp",
	"ima_file_hash", "kptr_xchg", "map_lookup_percpu_elem", "skc_to_mptcp_sock", "dynptr_from_mem",
	"ringbuf_reserve_dynptr", "ringbuf_submit_dynptr", "ringbuf_discard_dynptr", "dynptr_read", "dynptr_write",
	"dynptr_data", "tcp_raw_gen_syncookie_ipv4", "tcp_raw_gen_syncookie_ipv6", "tcp_raw_check_syncookie_ipv4",
	"tcp_raw_check_syncookie_ipv6", "ktime_get_tai_ns", "user_ringbuf_drain", "cgrp_storage_get",
	"cgrp_storage_delete",
}
