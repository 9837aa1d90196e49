import JSON
import Testing

@testable import Simulator

/// What an API server makes of the IP families of a Service.
@Suite struct ServiceRulesTests {
  private func store(isIPv6First: Bool) -> ObjectStore {
    ObjectStore(eventHistory: 100, rules: ServerRules(isIPv6First: isIPv6First), namespaces: ["default"], now: Sample.time)
  }

  private func created(_ spec: JSONValue, in store: inout ObjectStore) throws -> JSONValue? {
    try store.create(
      ["metadata": ["name": "s"], "spec": spec], kind: ResourceTable.services, namespace: "default", context: Sample.context()
    ).decoded(as: ResourceTable.services)["spec"]
  }

  @Test(
    arguments: [
      (["clusterIP": "None"], false, ["IPv4", "IPv6"], "RequireDualStack"),
      (["clusterIP": "None"], true, ["IPv6", "IPv4"], "RequireDualStack"),
      (["clusterIP": "None", "selector": ["a": "b"]], true, ["IPv6"], "SingleStack"),
      (["clusterIP": "None", "ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"], false, ["IPv6"], "SingleStack"),
      (["selector": ["a": "b"]], false, ["IPv4"], "SingleStack"),
      (["selector": ["a": "b"]], true, ["IPv6"], "SingleStack"),
      (["selector": ["a": "b"], "ipFamilyPolicy": "PreferDualStack"], true, ["IPv6", "IPv4"], "PreferDualStack"),
      (["selector": ["a": "b"], "ipFamilyPolicy": "PreferDualStack"], false, ["IPv4"], "PreferDualStack"),
    ] as [(JSONValue, Bool, [String], JSONValue)])
  func `R76: families get the defaults of the cluster`(spec: JSONValue, isIPv6First: Bool, families: [String], policy: JSONValue) throws {
    var store = store(isIPv6First: isIPv6First)
    let stored = try created(spec, in: &store)
    #expect(stored?["ipFamilies"]?.array?.compactMap(\.string) == families)
    #expect(stored?["ipFamilyPolicy"] == policy)
  }

  @Test(
    arguments: [
      ["ipFamilies": ["IPv5"]], ["ipFamilies": ["IPv4", "IPv4"], "ipFamilyPolicy": "RequireDualStack"],
      ["ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack"],
    ] as [JSONValue])
  func `families that contradict each other or the policy are rejected`(spec: JSONValue) throws {
    var store = store(isIPv6First: false)
    let failure = #expect(throws: APIFailure.self) { try created(spec, in: &store) }
    #expect(failure?.code == 422)
  }

  @Test(arguments: [true, false]) func `only a headless Service may change its first family`(isHeadless: Bool) throws {
    var store = store(isIPv6First: false)
    var spec: JSONValue = ["selector": ["a": "b"], "ipFamilies": ["IPv4"]]
    if isHeadless { spec["clusterIP"] = "None" }
    _ = try created(spec, in: &store)
    let change = {
      try store.modify(ResourceTable.services, namespace: "default", name: "s", context: Sample.context()) { live in
        var live = live
        live["spec"]?["ipFamilies"] = ["IPv6"]
        return live
      }
    }
    if isHeadless {
      _ = try change()
    } else {
      #expect(throws: APIFailure.self) { try change() }
    }
  }
}
