/// `/proc/<pid>/net/snmp`: the network namespace's counters of RFC 1213. Only those of TCP and UDP are read.
/// Source: `snmp_seq_show` in the kernel's net/ipv4/proc.c.
package enum SNMP: Int, KernelField {
  case tcpRtoAlgorithm, tcpRtoMin, tcpRtoMax, tcpMaxConn
  case tcpActiveOpens, tcpPassiveOpens, tcpAttemptFails, tcpEstabResets, tcpCurrEstab
  case tcpInSegs, tcpOutSegs, tcpRetransSegs, tcpInErrs, tcpOutRsts, tcpInCsumErrors
  case udpInDatagrams, udpNoPorts, udpInErrors, udpOutDatagrams, udpRcvbufErrors, udpSndbufErrors, udpInCsumErrors

  package var line: StaticString {
    rawValue < SNMP.udpInDatagrams.rawValue ? "Tcp" : "Udp"
  }

  package var isCounter: Bool {
    switch self {
    case .tcpRtoAlgorithm, .tcpRtoMin, .tcpRtoMax, .tcpMaxConn, .tcpCurrEstab: false
    default: true
    }
  }

  package var key: StaticString {
    switch self {
    case .tcpRtoAlgorithm: "RtoAlgorithm"
    case .tcpRtoMin: "RtoMin"
    case .tcpRtoMax: "RtoMax"
    case .tcpMaxConn: "MaxConn"
    case .tcpActiveOpens: "ActiveOpens"
    case .tcpPassiveOpens: "PassiveOpens"
    case .tcpAttemptFails: "AttemptFails"
    case .tcpEstabResets: "EstabResets"
    case .tcpCurrEstab: "CurrEstab"
    case .tcpInSegs: "InSegs"
    case .tcpOutSegs: "OutSegs"
    case .tcpRetransSegs: "RetransSegs"
    case .tcpInErrs: "InErrs"
    case .tcpOutRsts: "OutRsts"
    case .tcpInCsumErrors, .udpInCsumErrors: "InCsumErrors"
    case .udpInDatagrams: "InDatagrams"
    case .udpNoPorts: "NoPorts"
    case .udpInErrors: "InErrors"
    case .udpOutDatagrams: "OutDatagrams"
    case .udpRcvbufErrors: "RcvbufErrors"
    case .udpSndbufErrors: "SndbufErrors"
    }
  }

  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> FieldTable<SNMP> {
    var layout = HeaderLayout<SNMP>()
    return try layout.parse(bytes)
  }
}
