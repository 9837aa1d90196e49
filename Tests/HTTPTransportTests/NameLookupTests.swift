import HTTPTransport
import Primitives
import TestSupport
import Testing

@Suite struct NameLookupTests {
  @Test func `R77: an address is its own look-up, in every notation`() async throws {
    #expect(try await NameLookup.addresses(of: "127.0.0.9").map(\.description) == ["127.0.0.9"])
    #expect(try await NameLookup.addresses(of: "0:0::1").map(\.description) == ["::1"])
  }

  @Test func `R77: localhost is looked up without repetition`() async throws {
    let addresses = try await NameLookup.addresses(of: "localhost")
    #expect(!addresses.isEmpty)
    #expect(addresses.allSatisfy { $0.special == .loopback })
    #expect(Set(addresses).count == addresses.count)
  }

  @Test func `R77: a name that does not exist is an error with the name and the reason`() async {
    await #expect(throws: NameLookupError.self) { try await NameLookup.addresses(of: "no-such-host.invalid") }
    await #expect(throws: NameLookupError.self) { try await NameLookup.addresses(of: "") }
    do {
      _ = try await NameLookup.addresses(of: "no-such-host.invalid")
    } catch {
      #expect("\(error)".hasPrefix("cannot look up no-such-host.invalid: "))
    }
  }

  @Test func `R77: cancelling does not wait for the system's resolver`() async {
    let lookups = (0..<20).map { number in Task { try await NameLookup.addresses(of: "host-\(number).invalid") } }
    for lookup in lookups { lookup.cancel() }
    let start = ContinuousClock.now
    for lookup in lookups { _ = try? await lookup.value }
    #expect(ContinuousClock.now - start < .seconds(3))
  }
}
