import JSON

/// EndpointSlices that are valid, invalid, and on the edge, each with one peculiarity.
enum EndpointSliceCases {
  struct Case: Sendable {
    var name: String
    var slice: JSONValue
    /// What is stored before; `slice` is then an update.
    var old: JSONValue?
  }

  static let all: [Case] = [
    addresses.flatMap { type, addresses in
      addresses.map { Case(name: "\(type) \($0)", slice: slice(.string(type), endpoints: [["addresses": [.string($0)]]])) }
    },
    counts, many,
    endpoints.map { name, members -> Case in
      var endpoint = members
      endpoint["addresses"] = ["10.0.0.1"]
      return Case(name: name, slice: slice(endpoints: [endpoint]))
    },
    ports.map { Case(name: $0, slice: slice(ports: $1)) }, objects, updates,
  ].flatMap(\.self)

  private static func slice(
    _ type: JSONValue? = "IPv4", endpoints: JSONValue? = [["addresses": ["10.0.0.1"]]], ports: JSONValue? = [["name": "http", "port": 80]],
    metadata: JSONValue = [:]
  ) -> JSONValue {
    var slice: JSONValue = ["apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata]
    slice["addressType"] = type
    slice["endpoints"] = endpoints
    slice["ports"] = ports
    return slice
  }

  private static let addresses: [(type: String, addresses: [String])] = [
    (
      "IPv4",
      [
        "10.0.0.1", "010.0.0.1", "10.0.0.00", "10.0.0.256", "10.0.0", "10.1", "0x0a.0.0.1", "10.0.0.1 ", " 10.0.0.1", "", "10.0.0.1/32",
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.0.0.1", "255.255.255.255", "224.0.0.1", "224.0.0.255", "224.0.1.1", "239.1.1.1",
        "169.254.1.1", "169.253.1.1", "fd00::1", "FD00::1", "::ffff:10.0.0.1", "::1", "example.com",
      ]
    ),
    (
      "IPv6",
      [
        "fd00::1", "FD00::1", "fd00:0::1", "fd00::0001", "fd00:0:0:0:0:0:0:1", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", "fe80::1",
        "fe80::1%eth0", "febf::1", "fec0::1", "::1", "::", "::2", "ff02::1", "ff01::1", "ff12::1", "ff0e::1", "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "::ffff:0a00:1", "64:ff9b::10.0.0.1", "::10.0.0.1", "10.0.0.1", "010.0.0.1", "[fd00::1]", "fd00::1/64",
        "fd00:::1",
        "",
      ]
    ),
    (
      "FQDN",
      [
        "example.com", "example", "example.com.", ".", "", "Example.com", "-a.example.com", "a_b.example.com", "*.example.com", "a..com",
        "10.0.0.1", String(repeating: "a.", count: 126) + "a", String(repeating: "a.", count: 127) + "a",
        String(repeating: "a", count: 64) + ".com",
      ]
    ),
    ("IPX", ["10.0.0.1", ""]),
  ]

  private static let counts: [Case] =
    [
      Case(name: "no address", slice: slice(endpoints: [["addresses": []]])),
      Case(name: "addresses null", slice: slice(endpoints: [["addresses": .null]])),
      Case(name: "an empty endpoint", slice: slice(endpoints: [[:]])),
      Case(name: "an address twice", slice: slice(endpoints: [["addresses": ["10.0.0.1", "10.0.0.1"]]])),
      Case(name: "an endpoint twice", slice: slice(endpoints: [["addresses": ["10.0.0.1"]], ["addresses": ["10.0.0.1"]]])),
      Case(name: "two that are invalid", slice: slice(endpoints: [["addresses": ["10.0.0.256", "10.0.0.1", "::1"]]])),
    ]

  private static var many: [Case] {
    let numbers = [100, 101].map { count -> Case in
      let addresses = (1...count).map { JSONValue.string("10.0.0.\($0)") }
      return Case(name: "\(count) addresses", slice: slice(endpoints: [["addresses": .array(addresses)]]))
    }
    let endpoints = [1_000, 1_001].map { count -> Case in
      let endpoints = (0..<count).map { number -> JSONValue in ["addresses": [.string("10.1.\(number / 250).\(number % 250 + 1)")]] }
      return Case(name: "\(count) endpoints", slice: slice(endpoints: .array(endpoints)))
    }
    let ports = [20_000, 20_001].map { count -> Case in
      let ports = (0..<count).map { number -> JSONValue in ["name": .string("p\(number)"), "port": .integer(Int64(number))] }
      return Case(name: "\(count) ports", slice: slice(ports: .array(ports)))
    }
    return numbers + endpoints + ports
  }

  private static let endpoints: [(String, JSONValue)] = [
    ("a node", ["nodeName": "worker-1.example"]), ("a node in capitals", ["nodeName": "Worker"]), ("no node", ["nodeName": ""]),
    ("a host name", ["hostname": "web-0"]), ("a host name with a point", ["hostname": "web.0"]), ("no host name", ["hostname": ""]),
    ("a long host name", ["hostname": .string(String(repeating: "a", count: 64))]), ("a zone", ["zone": "a"]),
    ("an odd zone", ["zone": "A/b c"]),
    ("conditions", ["conditions": ["ready": true, "serving": false, "terminating": true]]), ("no conditions", ["conditions": [:]]),
    ("conditions null", ["conditions": .null]), ("ready null", ["conditions": ["ready": .null]]),
    ("a target", ["targetRef": ["kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "1"]]), ("an empty target", ["targetRef": [:]]),
    ("topology", ["deprecatedTopology": ["topology.kubernetes.io/zone": "a", "Other": "x"]]), ("an unknown member", ["weight": 1]),
    ("hints", ["hints": ["forZones": [["name": "a"]], "forNodes": [["name": "n"]]]]), ("no hints", ["hints": [:]]),
    ("a zone twice", ["hints": ["forZones": [["name": "a"], ["name": "a"]]]]),
    ("an odd zone hint", ["hints": ["forZones": [["name": "a b"]]]]),
    ("no zone hint", ["hints": ["forZones": [["name": ""]]]]), ("a node hint in capitals", ["hints": ["forNodes": [["name": "N"]]]]),
    ("a node hint twice", ["hints": ["forNodes": [["name": "n"], ["name": "n"]]]]),
    ("eight zones", ["hints": ["forZones": .array((0..<8).map { ["name": .string("z\($0)")] })]]),
    ("nine zones", ["hints": ["forZones": .array((0..<9).map { ["name": .string("z\($0)")] })]]),
    ("nine nodes", ["hints": ["forNodes": .array((0..<9).map { ["name": .string("n\($0)")] })]]),
  ]

  private static let ports: [(String, JSONValue?)] = [
    ("no ports", nil), ("ports null", .null), ("empty ports", []), ("a port without a name", [["port": 80]]),
    ("a port without a number", [["name": "a"]]),
    ("an empty port", [[:]]), ("two empty ports", [[:], [:]]), ("port 0", [["port": 0]]), ("port -1", [["port": -1]]),
    ("port 65536", [["port": 65_536]]), ("a number twice", [["name": "a", "port": 80], ["name": "b", "port": 80]]),
    ("a name twice", [["name": "a", "port": 80], ["name": "a", "port": 81]]),
    ("a name twice, by protocol", [["name": "a", "port": 80], ["name": "a", "port": 80, "protocol": "UDP"]]),
    ("a name in capitals", [["name": "HTTP", "port": 80]]), ("a name of digits", [["name": "80", "port": 80]]),
    ("a name with --", [["name": "a--b", "port": 80]]),
    ("a name with _", [["name": "a_b", "port": 80]]), ("a name of 63", [["name": .string(String(repeating: "a", count: 63)), "port": 80]]),
    ("a name of 64", [["name": .string(String(repeating: "a", count: 64)), "port": 80]]), ("UDP", [["port": 53, "protocol": "UDP"]]),
    ("SCTP", [["port": 53, "protocol": "SCTP"]]), ("tcp", [["port": 80, "protocol": "tcp"]]),
    ("an empty protocol", [["port": 80, "protocol": ""]]),
    ("an unknown protocol", [["port": 80, "protocol": "QUIC"]]),
    ("an application protocol", [["port": 80, "appProtocol": "kubernetes.io/h2c"]]),
    ("an odd application protocol", [["port": 80, "appProtocol": "a b"]]), ("two slashes", [["port": 80, "appProtocol": "a/b/c"]]),
    ("an empty application protocol", [["port": 80, "appProtocol": ""]]), ("an unknown member of a port", [["port": 80, "nodePort": 1]]),
  ]

  private static let objects: [Case] = [
    Case(name: "no type", slice: slice(nil)), Case(name: "an empty type", slice: slice("")), Case(name: "type ipv4", slice: slice("ipv4")),
    Case(name: "no endpoints", slice: slice(endpoints: nil)), Case(name: "endpoints null", slice: slice(endpoints: .null)),
    Case(name: "empty endpoints", slice: slice(endpoints: [])),
    Case(name: "no type, no endpoints, no ports", slice: slice(nil, endpoints: nil, ports: nil)),
    Case(name: "a label in spaces", slice: slice(metadata: ["labels": ["kubernetes.io/service-name": "a b"]])),
    Case(name: "a label without a name", slice: slice(metadata: ["labels": ["": "a"]])),
    Case(name: "an odd key", slice: slice(metadata: ["labels": ["a b": "c"]])),
    Case(name: "a long label", slice: slice(metadata: ["labels": ["a": .string(String(repeating: "x", count: 64))]])),
    Case(name: "a long and odd label", slice: slice(metadata: ["labels": ["a": .string("-" + String(repeating: "x", count: 64))]])),
    Case(name: "key /a", slice: slice(metadata: ["labels": ["/a": ""]])),
    Case(name: "key b/", slice: slice(metadata: ["labels": ["b/": ""]])),
    Case(name: "key c/d/e", slice: slice(metadata: ["labels": ["c/d/e": ""]])),
    Case(name: "key d e/f g", slice: slice(metadata: ["labels": ["d e/f g": ""]])),
    Case(name: "a long key", slice: slice(metadata: ["labels": [String(repeating: "a", count: 64): ""]])),
    Case(name: "a long prefix", slice: slice(metadata: ["labels": [String(repeating: "a.", count: 127) + "a/b": ""]])),
    Case(name: "an annotation in capitals", slice: slice(metadata: ["annotations": ["Example.com/A": ""]])),
    Case(name: "an odd annotation", slice: slice(metadata: ["annotations": ["a b": ""]])),
  ]

  private static let updates: [Case] = [
    Case(name: "update of the type", slice: slice("IPv6", endpoints: []), old: slice(endpoints: [])),
    Case(name: "update of the type with endpoints", slice: slice("IPv6", endpoints: [["addresses": ["fd00::1"]]]), old: slice()),
    Case(name: "update without a type", slice: slice(nil), old: slice()),
    Case(name: "update to an invalid address", slice: slice(endpoints: [["addresses": ["127.0.0.1"]]]), old: slice()),
    Case(name: "update of a label", slice: slice(metadata: ["labels": ["a": "b"]]), old: slice()),
    Case(name: "update to invalid ports", slice: slice(ports: [["name": "A"]]), old: slice()),
  ]
}
