import HTTPTransport
import Primitives
import TestSupport
import Testing

@testable import HTTPTransport

@Suite struct AddressPolicyTests {
  @Test(arguments: [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.169.254", "224.0.0.1", "239.255.255.255",
    "255.255.255.255",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "::", "::1", "fe80::1", "febf::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fe80::1%eth0",
  ])
  func `R42: addresses that a public-only policy refuses`(address: String) throws {
    let address = try #require(IPAddress(ignoringZone: address))
    #expect(AddressPolicy.publicOnly.refusal(of: address) != nil)
    #expect(AddressPolicy.any.refusal(of: address) == nil)
  }

  @Test(arguments: [
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "8.8.8.8", "126.255.255.255", "128.0.0.1", "169.253.0.1", "169.255.0.1",
    "223.255.255.255",
    "fd00::1", "2001:db8::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
  ])
  func `R42: addresses that a public-only policy allows`(address: String) throws {
    #expect(AddressPolicy.publicOnly.refusal(of: try #require(IPAddress(ignoringZone: address))) == nil)
  }

  private func server() throws -> ScriptedServer {
    try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200) }
    }
  }

  @Test(arguments: ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0"])
  func `R42: a loopback host is refused in any notation`(host: String) async throws {
    let server = try server()
    let transport = try HTTPTransport()
    var request = HTTPRequest(url: "http://\(host):\(server.port)/")
    request.addressPolicy = .publicOnly
    #expect(await transportError { try await transport.send(request) }?.kind == "refusedAddress")
    #expect(server.acceptedConnections == 0)
  }

  @Test func `R42: the policy also applies to a reused connection`() async throws {
    let server = try server()
    let transport = try HTTPTransport()
    var request = HTTPRequest(url: server.url)
    #expect(try await transport.send(request).status == 200)
    request.addressPolicy = .publicOnly
    let error = await transportError { try await transport.send(request) }
    #expect(error?.kind == "refusedAddress")
    #expect(error?.description.contains("127.0.0.1 is refused") == true)
    #expect(server.requests.count == 1)
  }

  @Test func `R42: the policy applies to connect-to and Unix sockets`() async throws {
    let server = try server()
    let transport = try HTTPTransport()
    var request = HTTPRequest(url: "http://10.1.2.3:80/")
    request.connectTo = ConnectTo(host: "127.0.0.1", port: server.port)
    request.addressPolicy = .publicOnly
    #expect(await transportError { try await transport.send(request) }?.kind == "refusedAddress")
    let folder = try TemporaryFolder()
    let local = try ScriptedServer(on: .unix(path: folder.path + "/socket")) { _ in }
    var localRequest = HTTPRequest(url: local.url)
    localRequest.unixSocket = folder.path + "/socket"
    localRequest.addressPolicy = .publicOnly
    #expect(await transportError { try await transport.send(localRequest) }?.kind == "refusedAddress")
    #expect(server.acceptedConnections + local.acceptedConnections == 0)
  }
}
