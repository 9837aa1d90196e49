import ProcFS
import Testing

struct NetworkFileTests {
  @Test func `sockstat of a captured namespace is parsed`() throws {
    let sockstat = try Fixture.procFS.process(4242).sockstat(ReadBuffer())
    #expect(sockstat[.socketsUsed] == 126)
    #expect(sockstat[.tcpInUse] == 105)
    #expect(sockstat[.tcpTimeWait] == 3)
    #expect(sockstat[.udpInUse] == 8)
    #expect(sockstat[.rawInUse] == 1)
    #expect(sockstat[.fragmentBytes] == 0)
    #expect(sockstat[.hostTCPOrphans] == 0)
    #expect(sockstat[.hostTCPAllocated] == 249)
    #expect(sockstat[.hostTCPMemoryPages] == 114)
    #expect(sockstat[.hostUDPMemoryPages] == 0)
  }

  @Test func `sockstat6 of a captured namespace is parsed`() throws {
    let sockstat6 = try Fixture.procFS.process(4242).networkFiles().sockstat6(ReadBuffer())
    #expect(sockstat6?[.tcpInUse] == 11)
    #expect(sockstat6?[.udpInUse] == 1)
    #expect(sockstat6?[.rawInUse] == 0)
  }

  @Test func `snmp is parsed, and keys that TCP and UDP share are kept apart`() throws {
    var layout = HeaderLayout<SNMP>()
    let snmp = try Fixture.procFS.process(4242).networkFiles().snmp(ReadBuffer(), &layout)
    #expect(snmp[.tcpActiveOpens] == 48)
    #expect(snmp[.tcpCurrEstab] == 90)
    #expect(snmp[.tcpOutSegs] == 153)
    #expect(snmp[.udpNoPorts] == 1)
    #expect(snmp[.udpOutDatagrams] == 1)
    let apart = try parseText("Tcp: InCsumErrors\nTcp: 7\nUdp: InCsumErrors\nUdp: 9\nUdpLite: InCsumErrors\nUdpLite: 11\n", SNMP.parse)
    #expect(apart[.tcpInCsumErrors] == 7)
    #expect(apart[.udpInCsumErrors] == 9)
  }

  @Test func `the captured files have every field`() throws {
    let process = try Fixture.procFS.process(4242)
    let buffer = ReadBuffer()
    let sockstat = try process.sockstat(buffer)
    let sockstat6 = try process.networkFiles().sockstat6(buffer)
    var layout = HeaderLayout<SNMP>()
    let snmp = try process.networkFiles().snmp(buffer, &layout)
    #expect(Sockstat.allCases.allSatisfy { sockstat[$0] != nil })
    #expect(Sockstat6.allCases.allSatisfy { sockstat6?[$0] != nil })
    #expect(SNMP.allCases.allSatisfy { snmp[$0] != nil })
  }

  @Test func `a field that the kernel lacks is absent, and an unknown one is ignored`() throws {
    let sockstat = try parseText("sockets: used 3\nTCP: inuse 1 novel 5\nMPTCP: inuse 4\n", Sockstat.parse)
    #expect(sockstat[.tcpInUse] == 1)
    #expect(sockstat[.udpInUse] == nil)
  }

  @Test func `negative numbers and a missing final line feed are accepted`() throws {
    #expect(try parseText("TCP: inuse -1", Sockstat.parse)[.tcpInUse] == -1)
  }

  @Test(arguments: [("", "empty"), ("sockets used 3\n", "no known field"), ("novel: inuse 1\n", "no known field")])
  func `a sockstat without any known field is rejected`(text: String, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, Sockstat.parse) }
    #expect(error.reason.contains(reason))
  }

  @Test func `R90: a value of sockstat that cannot be read costs that field only`() throws {
    let sockstat = try parseText(
      "sockets used 3\nTCP: inuse many orphan 2 tw 99999999999999999999 alloc 18446744073709551615 mem 5\nUDP: inuse 4 mem\nRAW: inuse\n",
      Sockstat.parse)
    #expect(Sockstat.allCases.filter { sockstat[$0] != nil } == [.udpInUse, .hostTCPOrphans, .hostTCPMemoryPages])
    #expect(sockstat[.hostTCPOrphans] == 2)
    #expect(sockstat[.udpInUse] == 4)
  }

  @Test func `R90: counters are unsigned numbers of 64 bits`() throws {
    let snmp = try parseText(
      """
      Tcp: MaxConn ActiveOpens PassiveOpens CurrEstab InSegs OutSegs
      Tcp: -1 18446744073709551615 9223372036854775807 18446744073709551615 18446744073709551616 -1
      Udp: InDatagrams
      Udp: 9223372036854775809

      """, SNMP.parse)
    #expect(snmp.counter(.tcpActiveOpens) == .max)
    #expect(snmp.value(.tcpActiveOpens) == 0x1p64)
    #expect(snmp.counter(.tcpPassiveOpens) == UInt64(Int64.max))
    #expect(snmp.counter(.udpInDatagrams) == 9_223_372_036_854_775_809)
    #expect(snmp[.tcpMaxConn] == -1)
    #expect(snmp.value(.tcpMaxConn) == -1)
    // A gauge below 0, which the kernel prints like this, cannot be a number of connections, and the other two are not counters.
    #expect(snmp.value(.tcpCurrEstab) == nil)
    #expect(snmp.counter(.tcpInSegs) == nil)
    #expect(snmp.counter(.tcpOutSegs) == nil)
  }

  @Test(arguments: [
    ("Tcp: InSegs OutSegs\nTcp: x 2\n", [SNMP.tcpOutSegs]), ("Tcp: InSegs OutSegs\nTcp: 1\n", [.tcpInSegs]),
    ("Tcp: InSegs\nTcp: 1 2\n", [.tcpInSegs]), ("Tcp: OutSegs\nUdp: NoPorts\nUdp: 3\n", [.udpNoPorts]),
    ("odd\nTcp: InSegs\nTcp: 1\nUdp: NoPorts\n", [.tcpInSegs]),
  ])
  func `R90: a value or line of snmp that cannot be read costs its fields only`(text: String, known: [SNMP]) throws {
    let snmp = try parseText(text, SNMP.parse)
    #expect(SNMP.allCases.filter { snmp[$0] != nil } == known)
  }

  @Test(arguments: [
    ("", "empty"), ("Tcp: InSegs\n", "no known field"), ("Tcp: InSegs\nUdp: 1\n", "no known field"), ("Ip: A\nIp: 1\n", "no known"),
  ])
  func `an snmp without any known field is rejected`(text: String, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, SNMP.parse) }
    #expect(error.reason.contains(reason))
  }

  @Test(arguments: [
    (KernelRelease(major: 3, minor: 10), [Sockstat.socketsUsed, .tcpTimeWait]),
    (KernelRelease(major: 4, minor: 10), [.socketsUsed, .tcpTimeWait]),
    (KernelRelease(major: 4, minor: 14), [.socketsUsed]), (KernelRelease(major: 4, minor: 15), [.socketsUsed]),
    (KernelRelease(major: 4, minor: 16), []), (KernelRelease(major: 4, minor: 18), []), (KernelRelease(major: 5, minor: 4), []),
    (KernelRelease(major: 6, minor: 18), []),
  ])
  func `R91: which numbers of sockstat are the host's depends on the kernel`(release: KernelRelease, additional: [Sockstat]) {
    let always: [Sockstat] = [.hostTCPOrphans, .hostTCPAllocated, .hostTCPMemoryPages, .hostUDPMemoryPages]
    #expect(Set(Sockstat.ofHost(on: release)) == Set(always + additional))
  }

  @Test func `netstat is parsed, and counters that the kernel removed are absent`() throws {
    var layout = HeaderLayout<Netstat>()
    let netstat = try Fixture.procFS.process(4242).networkFiles().netstat(ReadBuffer(), &layout)
    #expect(netstat[.listenOverflows] == 6)
    #expect(netstat[.listenDrops] == 8)
    #expect(netstat[.tcpTimeouts] == 11)
    #expect(netstat[.tcpSynRetrans] == 5)
    #expect(netstat.counter(.mpCapableSYNRX) != nil)
    // Removed in Linux 4.15.
    #expect(netstat[.tcpFACKReorder] == nil)
    #expect(Netstat.allCases.filter { netstat[$0] == nil }.filter { $0 != .mpCurrEstab } == [.tcpFACKReorder])
  }

  @Test func `R89: the connections of Multipath TCP are in netstat`() throws {
    let netstat = try parseText(
      "TcpExt: ListenDrops\nTcpExt: 3\nMPTcpExt: MPCapableSYNRX MPCapableSYNACKRX MPCurrEstab\nMPTcpExt: 5 6 4\n", Netstat.parse)
    #expect(netstat.counter(.mpCapableSYNRX) == 5)
    #expect(netstat.counter(.mpCapableSYNACKRX) == 6)
    #expect(netstat[.mpCurrEstab] == 4)
    #expect(netstat.counter(.listenDrops) == 3)
  }

  @Test func `cached and new header lines are parsed alike`() throws {
    var layout = HeaderLayout<SNMP>()
    func read(_ text: String) throws(MalformedFile) -> FieldTable<SNMP> {
      try parseText(text) { bytes throws(MalformedFile) in try layout.parse(bytes) }
    }
    #expect(try read("Tcp: InSegs OutSegs\nTcp: 1 2\n")[.tcpOutSegs] == 2)
    #expect(try read("Tcp: InSegs OutSegs\nTcp: 3 4\n")[.tcpOutSegs] == 4)
    let other = try read("Tcp: OutSegs InSegs\nTcp: 5 6\nUdp: NoPorts\nUdp: 7\n")
    #expect(other[.tcpOutSegs] == 5)
    #expect(other[.udpNoPorts] == 7)
    #expect(try read("Tcp: InSegs OutSegs\nTcp: 8 9\n")[.udpNoPorts] == nil)
    #expect(try read("Tcp: InSegs OutSegs\nTcp: 8 y\n")[.tcpOutSegs] == nil)
  }

  @Test func `net dev lists the interfaces without loopback and fallback tunnels`() throws {
    let devices = try Fixture.procFS.process(4242).networkFiles().devices(ReadBuffer())
    #expect(devices.map(\.name) == ["eth0", "net1"])
    let eth0 = try #require(devices.first)
    #expect([eth0.received.bytes, eth0.received.packets, eth0.received.errors, eth0.received.dropped] == [1_234_567, 890, 1, 2])
    #expect([eth0.sent.bytes, eth0.sent.packets, eth0.sent.errors, eth0.sent.dropped] == [7_654_321, 987, 3, 4])
  }

  @Test func `a number right after the colon and colons in names are accepted`() throws {
    let text = "Inter-|\n face |\neth0:1:55 2 0 0 0 0 0 0 77 8 0 0 0 0 0 0\n"
    let devices = try parseText(text, NetworkDevices.parse)
    #expect(devices.map(\.name) == ["eth0:1"])
    #expect(devices.first?.received.bytes == 55)
  }

  @Test(arguments: [("", "empty"), ("a\n", "no header lines")])
  func `a net dev without headers is rejected`(text: String, reason: String) throws {
    let error = try #require(throws: MalformedFile.self) { try parseText(text, NetworkDevices.parse) }
    #expect(error.reason.contains(reason))
  }

  @Test func `R90: a value of net dev that cannot be read costs that number only`() throws {
    let devices = try parseText(
      "Inter-|\n face |\nodd 1 2\neth0: 18446744073709551615 10 x 4 0 0 0 0 18446744073709551616 20 -1 8 0 0 0 0\neth1: 1 2\n",
      NetworkDevices.parse)
    #expect(devices.map(\.name) == ["eth0", "eth1"])
    #expect(devices[0].received == NetworkDevice.Direction(bytes: .max, packets: 10, errors: nil, dropped: 4))
    #expect(devices[0].sent == NetworkDevice.Direction(bytes: nil, packets: 20, errors: nil, dropped: 8))
    #expect(devices[1].received == NetworkDevice.Direction(bytes: 1, packets: 2))
    #expect(devices[1].sent == NetworkDevice.Direction())
  }
}
