/// `/proc/<pid>/net/netstat`: the network namespace's counters that no RFC defines. Only the fields below are read, of TCP and Multipath
/// TCP.
/// Source: `snmp4_net_list` in the kernel's net/ipv4/proc.c, `mptcp_snmp_list` in net/mptcp/mib.c.
package enum Netstat: Int, KernelField {
  case syncookiesSent, syncookiesRecv, syncookiesFailed, embryonicRsts, pruneCalled, rcvPruned, ofoPruned, outOfWindowIcmps
  case lockDroppedIcmps, tw, twRecycled, twKilled, pawsActive, pawsEstab, delayedACKs, delayedACKLocked, delayedACKLost
  case listenOverflows, listenDrops, tcpHPHits, tcpPureAcks, tcpHPAcks, tcpRenoRecovery, tcpSackRecovery, tcpSACKReneging
  case tcpFACKReorder, tcpSACKReorder, tcpRenoReorder, tcpTSReorder, tcpFullUndo, tcpPartialUndo, tcpDSACKUndo, tcpLossUndo
  case tcpLostRetransmit, tcpRenoFailures, tcpSackFailures, tcpLossFailures, tcpFastRetrans, tcpSlowStartRetrans, tcpTimeouts
  case tcpLossProbes, tcpLossProbeRecovery, tcpRenoRecoveryFail, tcpSackRecoveryFail, tcpRcvCollapsed, tcpDSACKOldSent
  case tcpDSACKOfoSent, tcpDSACKRecv, tcpDSACKOfoRecv, tcpAbortOnData, tcpAbortOnClose, tcpAbortOnMemory, tcpAbortOnTimeout
  case tcpAbortOnLinger, tcpAbortFailed, tcpMemoryPressures, tcpMemoryPressuresChrono, tcpSACKDiscard, tcpDSACKIgnoredOld
  case tcpDSACKIgnoredNoUndo, tcpSpuriousRTOs, tcpMD5NotFound, tcpMD5Unexpected, tcpMD5Failure, tcpSackShifted, tcpSackMerged
  case tcpSackShiftFallback, tcpBacklogDrop, pfMemallocDrop, tcpMinTTLDrop, tcpDeferAcceptDrop, ipReversePathFilter
  case tcpTimeWaitOverflow, tcpReqQFullDoCookies, tcpReqQFullDrop, tcpRetransFail, tcpFastOpenActive, tcpFastOpenActiveFail
  case tcpFastOpenPassive, tcpFastOpenPassiveFail, tcpFastOpenListenOverflow, tcpFastOpenCookieReqd, tcpSynRetrans, tcpOrigDataSent
  /// Connections of Multipath TCP: requested by a peer; accepted by a peer; and those in ESTABLISHED or CLOSE_WAIT, since Linux 6.8.
  case mpCapableSYNRX, mpCapableSYNACKRX, mpCurrEstab

  package var line: StaticString { rawValue < Netstat.mpCapableSYNRX.rawValue ? "TcpExt" : "MPTcpExt" }

  package var isCounter: Bool { self != .mpCurrEstab }

  package var key: StaticString { Self.keys[rawValue] }

  /// In the order of the cases, which follows the kernel's.
  private static let keys: [StaticString] = [
    "SyncookiesSent", "SyncookiesRecv", "SyncookiesFailed", "EmbryonicRsts", "PruneCalled", "RcvPruned", "OfoPruned", "OutOfWindowIcmps",
    "LockDroppedIcmps", "TW", "TWRecycled", "TWKilled", "PAWSActive", "PAWSEstab", "DelayedACKs", "DelayedACKLocked", "DelayedACKLost",
    "ListenOverflows", "ListenDrops", "TCPHPHits", "TCPPureAcks", "TCPHPAcks", "TCPRenoRecovery", "TCPSackRecovery", "TCPSACKReneging",
    "TCPFACKReorder", "TCPSACKReorder", "TCPRenoReorder", "TCPTSReorder", "TCPFullUndo", "TCPPartialUndo", "TCPDSACKUndo", "TCPLossUndo",
    "TCPLostRetransmit", "TCPRenoFailures", "TCPSackFailures", "TCPLossFailures", "TCPFastRetrans", "TCPSlowStartRetrans", "TCPTimeouts",
    "TCPLossProbes", "TCPLossProbeRecovery", "TCPRenoRecoveryFail", "TCPSackRecoveryFail", "TCPRcvCollapsed", "TCPDSACKOldSent",
    "TCPDSACKOfoSent", "TCPDSACKRecv", "TCPDSACKOfoRecv", "TCPAbortOnData", "TCPAbortOnClose", "TCPAbortOnMemory", "TCPAbortOnTimeout",
    "TCPAbortOnLinger", "TCPAbortFailed", "TCPMemoryPressures", "TCPMemoryPressuresChrono", "TCPSACKDiscard", "TCPDSACKIgnoredOld",
    "TCPDSACKIgnoredNoUndo", "TCPSpuriousRTOs", "TCPMD5NotFound", "TCPMD5Unexpected", "TCPMD5Failure", "TCPSackShifted", "TCPSackMerged",
    "TCPSackShiftFallback", "TCPBacklogDrop", "PFMemallocDrop", "TCPMinTTLDrop", "TCPDeferAcceptDrop", "IPReversePathFilter",
    "TCPTimeWaitOverflow", "TCPReqQFullDoCookies", "TCPReqQFullDrop", "TCPRetransFail", "TCPFastOpenActive", "TCPFastOpenActiveFail",
    "TCPFastOpenPassive", "TCPFastOpenPassiveFail", "TCPFastOpenListenOverflow", "TCPFastOpenCookieReqd", "TCPSynRetrans",
    "TCPOrigDataSent", "MPCapableSYNRX", "MPCapableSYNACKRX", "MPCurrEstab",
  ]

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<Netstat> {
    var layout = HeaderLayout<Netstat>()
    return try layout.parse(bytes)
  }
}
