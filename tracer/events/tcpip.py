"""TCPIP: connections, endpoints, deliveries and memory pressure of the TCP/IP driver, from its manifest.

Sources: public dumps of the manifest from Windows 7 to Windows 11 26H1; versions only ever append fields, save
those that get an endpoint in front. No public trace holds these records. ``tcb`` and ``endpoint`` are addresses
of the TCP/IP driver's own objects, not of AFD's; ``process`` is the owner.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Final

from tracer.events.layout import Layout, ProviderId, layout

PROVIDER: Final = uuid.UUID("2f07e2ee-15db-40f1-90ef-9d7ba282188a")

CONNECT_COMPLETE: Final = 1033

# Runs of fields that several events share. A socket address is its length and then that many bytes, the address
# family first. The manifest's NumBytes and Length of a delivery are as wide as a pointer, elsewhere four bytes:
# columns of another width, hence the names byte_count and byte_length.
_SHORTHAND: Final[Mapping[str, str]] = {
    "LA": "u4 local_address_length; bin:local_address_length local_address",
    "LR": (
        "u4 local_address_length; bin:local_address_length local_address; "
        "u4 remote_address_length; bin:remote_address_length remote_address"
    ),
    "SPCT": "u4 status; u4 process; u4 compartment; ptr tcb",
    "DELIVERY": (
        "ptr tcb; ptr delivery; ptr request; ptr byte_count; u4 request_flags; ptr byte_length; u4 "
        "request_status; u4 is_urgent_delivery; u4 fully_satisfied_or_delayed_push; u4 rcv_nxt"
    ),
    "LIMITS": (
        "u8 snd_lim_bytes_snd; u8 snd_lim_bytes_rwin; u8 snd_lim_bytes_cwnd; u4 cwnd; u4 srtt; u4 "
        "loss_recovery_episodes; u4 rto_episodes; u4 pto_episodes"
    ),
    "SUMMARY": (
        "ptr tcb; u8 data_bytes_out; u8 data_bytes_in; u8 data_segments_out; u8 data_segments_in; u8 "
        "segments_out; u8 segments_in; u4 non_recov_da; u4 non_recov_da_episodes; u4 dup_acks_in; u4 "
        "bytes_retrans; u4 timeouts; u4 spurious_rto_detections; u4 fast_retran; u4 max_ssthresh; u4 max_ss_cwnd; "
        "u4 max_ca_cwnd; u4 snd_lim_trans_rwin; u4 snd_lim_time_rwin; u8 snd_lim_bytes_rwin; u4 "
        "snd_lim_trans_cwnd; u4 snd_lim_time_cwnd; u8 snd_lim_bytes_cwnd; u4 snd_lim_trans_snd; u4 "
        "snd_lim_time_r_snd; u8 snd_lim_bytes_r_snd"
    ),
}

# ids | version | name | fields; "+" continues the version before.
_TABLE: Final = """
1001 | 0 | TcpEndpointCreation | u4 status; ptr endpoint; u4 address_family; u4 process
1002 | 0 | TcpRequestConnect | ptr tcb; LR; u4 new_state; u4 rexmit_count
1003 | 0 | TcpInspectConnectComplete | ptr tcb; u4 status; u4 address_family
1004 | 0 | TcpTcbSynSend | ptr tcb; u4 initial_sequence; u4 rcv_wnd; u1 rcv_wnd_scale
1008 | 0 | TcpBindEndpointComplete | LA; u4 status
1008 | 1 | TcpBindEndpointComplete | ptr endpoint; LA; u4 status
1009 | 0 | TcpCloseEndpoint | LA; u4 status
1009 | 1 | TcpCloseEndpoint | ptr endpoint; LA; u4 status
1013 | 0 | TcpCreateEndpointComplete | LA; u4 status; u4 process; u4 compartment; u4 address_family
1013 | 1 | TcpCreateEndpointComplete | + u8 process_start_key
1013 | 2 | TcpCreateEndpointComplete | ptr endpoint; LA; u4 status; u4 process; u4 compartment; u4 address_family; \
    u8 process_start_key
1016 | 0 | TcpAcceptListenerRejected | LR; SPCT
1016 | 1 | TcpAcceptListenerRejected | + u8 process_start_key
1017 | 0 | TcpAcceptListenerComplete | LR; SPCT
1017 | 1 | TcpAcceptListenerComplete | + u8 process_start_key
1031 | 0 | TcpConnectTcbProceeding | LR; SPCT
1031 | 1 | TcpConnectTcbProceeding | + u8 process_start_key
1033 | 0 | TcpConnectTcbComplete | LR; SPCT
1033 | 1 | TcpConnectTcbComplete | + u8 process_start_key
1034 | 0 | TcpConnectTcbFailure | LR; SPCT
1034 | 1 | TcpConnectTcbFailure | + u8 process_start_key
1036 | 0 | TcpConnectTcbFailSessionState | LR; SPCT
1036 | 1 | TcpConnectTcbFailSessionState | + u8 process_start_key
1038 | 0 | TcpCloseTcbRequest | LR; SPCT
1038 | 1 | TcpCloseTcbRequest | + u8 process_start_key
1039 | 0 | TcpAbortTcbRequest | LR; SPCT
1039 | 1 | TcpAbortTcbRequest | + u8 process_start_key
1040 | 0 | TcpAbortTcbComplete | LR; SPCT
1040 | 1 | TcpAbortTcbComplete | + u8 process_start_key
1041 | 0 | TcpDisconnectTcbInjectFailed | DELIVERY
1042 | 0 | TcpDisconnectTcbRequest | ptr byte_length; u8 timeout; wstr injected
1043 | 0 | TcpDisconnectTcbComplete | LR; SPCT
1043 | 1 | TcpDisconnectTcbComplete | + u8 process_start_key
1043 | 2 | TcpDisconnectTcbComplete | + u4 inspect
1044 | 0 | TcpShutdownTcb | LR; SPCT
1044 | 1 | TcpShutdownTcb | + u8 process_start_key
1045 | 0 | TcpConnectTcbTimeout | LR; SPCT
1045 | 1 | TcpConnectTcbTimeout | + u8 process_start_key
1046 | 0 | TcpDisconnectTcbRtoTimeout | LR; SPCT
1046 | 1 | TcpDisconnectTcbRtoTimeout | + u8 process_start_key
1047 | 0 | TcpDisconnectTcbKeepaliveTimeout | LR; SPCT
1047 | 1 | TcpDisconnectTcbKeepaliveTimeout | + u8 process_start_key
1048 | 0 | TcpDisconnectTcbTimeout | LR; SPCT
1048 | 1 | TcpDisconnectTcbTimeout | + u8 process_start_key
1051 | 0 | TcpTcbStateChange | u4 old_state; u4 new_state; u4 snd_nxt; ptr tcb
1074 | 0 | TcpDataTransferReceive | ptr tcb; u4 num_bytes; u4 seq_no
1074 | 1 | TcpDataTransferReceive | + u4 num_pkt
1156 | 0 | TcpReceiveRequest | DELIVERY
1157 | 0 | TcpDeliveryIndicated | DELIVERY
1158 | 0 | TcpDeliverySatisfied | DELIVERY
1159 | 0 | TcpSendPosted | ptr tcb; wstr injected; u4 num_bytes; u4 snd_nxt
1159 | 1 | TcpSendPosted | + u4 send_available; ptr activity_id
1159 | 2 | TcpSendPosted | + LIMITS
1160 | 0 | TcpSendTransmitted | ptr tcb; wstr injected; u4 num_bytes; u4 snd_nxt
1169 | 0 | UdpEndpointSendMessages | ptr endpoint; u4 num_messages; u4 num_bytes; LR; u4 process
1169 | 1 | UdpEndpointSendMessages | + u8 process_start_key
1170 | 0 | UdpEndpointReceiveMessages | ptr endpoint; u4 num_messages; u4 num_bytes; LR; u4 process
1170 | 1 | UdpEndpointReceiveMessages | + u8 process_start_key
1186 | 0 | TcpConnectRestransmit | ptr tcb; LR; u4 new_state; u4 rexmit_count
1187 | 0 | TcpDataTransferRestransmit | ptr tcb; LR; u4 new_state; u4 rexmit_count
1189 | 0 | TcpDeliveryStateChange | ptr tcb; ptr delivery; u4 old_delivery_state; u4 new_delivery_state
1190 | 0 | TcpDeliveryDataDropped | DELIVERY
1191 | 0 | TcpAcquirePort | ptr port_acquirer; u2 port_number; u4 weak_reference; ptr original_acquirer
1193 | 0 | TcpReleasePort | ptr port_acquirer; u2 port_number; u4 weak_reference; ptr original_acquirer
1200 | 0 | TcpDisconnectTcbZeroWindowTimeout | LR; SPCT
1200 | 1 | TcpDisconnectTcbZeroWindowTimeout | + u8 process_start_key
1201 | 0 | TcpDisconnectTcbFinWait2Timeout | LR; SPCT
1201 | 1 | TcpDisconnectTcbFinWait2Timeout | + u8 process_start_key
1216 | 0 | TcpMppNppEvaluation | u4 physical_pages; u4 non_paged_pool_pages; u4 current_watermark; \
    u4 peak_watermark; u4 high_watermark; u4 low_watermark
1217 | 0 | TcpMppStartEpisode | u4 low_npp_event_state; u4 high_npp_event_state; u8 episode_start_tick; \
    u8 episode_stop_tick; u4 current_watermark; u4 low_watermark; u4 reentry_watermark
1218 | 0 | TcpMppStopEpisode | u4 low_npp_event_state; u4 high_npp_event_state; u8 episode_start_tick; \
    u8 episode_stop_tick; u4 reentry_watermark
1219 | 0 | TcpMppStartEpoch | u4 epoch; u4 low_npp_event_state; u4 high_npp_event_state; u8 epoch_start_tick; \
    u8 epoch_stop_tick; u4 old_syn_drop_rate; u4 new_syn_drop_rate; u4 old_tcb_kill_rate; u4 new_tcb_kill_rate; \
    u4 current_watermark
1220 | 0 | TcpMppStopEpoch | u4 epoch; u4 low_npp_event_state; u4 high_npp_event_state; u8 epoch_start_tick; \
    u8 epoch_stop_tick; u4 syn_drop_rate; u4 tcb_kill_rate; u4 current_watermark
1300 | 0 | TcpConnectionRundown | ptr tcb; LR; u4 state; u4 process
1300 | 1 | TcpConnectionRundown | + u8 process_start_key
1300 | 2 | TcpConnectionRundown | + u4 send_tracker_enabled
1300 | 3 | TcpConnectionRundown | + u4 rcv_buf_set
1332 | 0 | TcpDataTransferSend | ptr tcb; u4 cwnd; u4 snd_wnd; u4 bytes_sent; u4 seq_no; u4 srtt; u4 rtt_var; u4 rto
1332 | 1 | TcpDataTransferSend | + u4 rcv_wnd
1332 | 2 | TcpDataTransferSend | + u4 pacing_rate
1332 | 3 | TcpDataTransferSend | + u4 tcp_state; u4 congestion_state; u4 snd_una; u4 snd_max; u4 recovery_max
1332 | 4 | TcpDataTransferSend | + u4 rcv_buf_set; u4 max_rcv_buf
1332 | 5 | TcpDataTransferSend | + LR
1352 | 0 | TcpConnectionSummary | SUMMARY
1376 1377 1378 1379 | 0 | Memory | u4 high_memory_event; u4 high_non_paged_pool_event; u4 low_memory_event; \
    u4 low_non_paged_pool_event
1391 | 0 | UdpCreateEndpointComplete | ptr endpoint; u4 status; u4 process; u4 compartment; u4 address_family
1391 | 1 | UdpCreateEndpointComplete | + u8 process_start_key
1396 | 0 | UdpBindEndpointComplete | LA; u4 status; ptr endpoint
1396 | 1 | UdpBindEndpointComplete | + u4 process; u8 process_start_key
1397 | 0 | UdpCloseEndpointBound | LA; u4 status; ptr endpoint
1398 | 0 | UdpCloseEndpointUnBound | LA; u4 status; ptr endpoint
1426 | 0 | TcpSendComplete | ptr tcb; wstr injected; u4 num_bytes; u4 snd_nxt
1426 | 1 | TcpSendComplete | + ptr activity_id
1468 | 0 | TcpSystemAbortTcb | LR; SPCT
1468 | 1 | TcpSystemAbortTcb | + u8 process_start_key
1468 | 2 | TcpSystemAbortTcb | + u4 reason
1477 | 0 | TcpConnectionSummary | SUMMARY; u8 connection_time_ms; u4 timestamps_enabled; u4 rtt_us; u4 min_rtt_us; \
    u4 max_rtt_us; u4 syn_retrans; u4 congestion_algorithm; u4 state; LR; u4 cwnd; u4 ss_thresh; u4 rcv_wnd; \
    u4 rcv_buf; u4 snd_wnd
1477 | 1 | TcpConnectionSummary | + u4 interface_index; u4 local_port; u4 is_loopback
1544 | 0 | TcpipSetSockOpt | ptr endpoint; u4 level; u4 name; u4 length; bin:length value
1555 | 0 | TcpConnectionTerminatedByNsi | ptr tcb; u4 state; u4 process; u8 process_start_key; u4 shutdown
1589 | 0 | TcpAfRundown | u4 address_family; u4 rss_enabled
1590 | 0 | TcpSendCompletionFailure | ptr tcb; ptr nbl; u4 status
1591 | 0 | TcpipAllocHooksSetup | u4 status
1597 | 0 | TcpAutoTuningPausedForMemoryUsage | u4 address_family; ptr tcb; u8 total_bytes_buffered; u8 upper_limit
1603 | 0 | TcpDisconnect | ptr tcb; u4 state; wstr injected; u8 data_length
1637 | 0 | TcpSendAcked | ptr tcb; u4 num_bytes; u4 snd_nxt; ptr activity_id; LIMITS
"""


def _rows() -> Iterator[Layout]:
    text = ""
    for line in filter(None, _TABLE.splitlines()):
        ids, version, name, cell = (part.strip() for part in line.split("|"))
        addition = "; ".join(_SHORTHAND.get(part.strip(), part) for part in cell.removeprefix("+").split(";"))
        text = f"{text}; {addition}" if cell.startswith("+") else addition
        event_ids = tuple(ProviderId(PROVIDER, int(word)) for word in ids.split())
        yield layout("tcpip", name, event_ids, int(version), text)


LAYOUTS: Final[tuple[Layout, ...]] = tuple(_rows())
