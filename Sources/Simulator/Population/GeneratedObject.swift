/// An object of a population: a pattern and the numbers that fill it, instead of bytes.
struct GeneratedObject: Sendable {
  var pattern: ObjectPattern
  var subject: Subject

  enum Subject: Sendable {
    case node(GeneratedNode)
    case pod(GeneratedPod)
  }

  /// The texts of the object at a ten-digit version.
  func texts(version: UInt64) -> FieldTexts {
    var texts =
      switch subject {
      case .node(let node): node.texts
      case .pod(let pod): pod.texts
      }
    texts.set(.version, decimal: version)
    return texts
  }
}

/// A node of a population.
struct GeneratedNode: Sendable, Hashable {
  var number: Int

  var texts: FieldTexts {
    var texts = FieldTexts()
    texts.set(.uid, uuidFrom: UInt64(number) << 32 | 1)
    texts.set(node: number)
    return texts
  }
}

/// A pod of a population, derived from these numbers.
struct GeneratedPod: Sendable, Hashable {
  /// Unique among all pods, including the deleted ones.
  var serial: Int
  /// The number of its node.
  var node: Int
  /// The number of status changes: container exits and restarts in turn.
  var changes = 0

  /// Whether the first container has exited and waits for its restart.
  var isWaiting: Bool { changes % 2 == 1 }
  var restarts: Int { changes / 2 }

  var texts: FieldTexts {
    var texts = FieldTexts()
    let workload = serial % Self.workloads
    texts.set(.uid, uuidFrom: UInt64(serial) << 32 | 2)
    texts.set(.ownerUID, uuidFrom: UInt64(workload) << 32 | 3)
    texts.set(.namespace, Self.namespaces[workload % Self.namespaces.count].utf8)
    texts.set(.workload, Self.words[workload / Self.namespaces.count % Self.words.count].utf8)
    texts.set(.revision, hexadecimalFrom: UInt64(workload) << 32 | 4)
    texts.set(.suffix, Self.suffix(serial))
    texts.set(.podAddress, network: "10", index: serial)
    texts.set(node: node)
    texts.set(.firstContainer, hexadecimalFrom: containerSeed(0, restarts))
    texts.set(.secondContainer, hexadecimalFrom: containerSeed(1, 0))
    texts.set(.endedContainer, hexadecimalFrom: containerSeed(0, isWaiting ? restarts : max(0, restarts - 1)))
    return texts
  }

  private func containerSeed(_ container: UInt64, _ restarts: Int) -> UInt64 {
    UInt64(serial) << 32 | UInt64(restarts & 0xFFFF) << 8 | container << 4 | 5
  }

  /// The number of replica sets.
  private static let workloads = 5_000

  static let words = [
    "accounts", "billings", "catalogs", "checkout", "delivery", "identity", "invoices", "messages", "payments", "profiles", "searches",
    "sessions", "settings", "shipping", "tracking", "vouchers",
  ]

  static let namespaces = words.flatMap { word in ["demo", "prod", "test"].map { "\(word)-\($0)" } }

  /// The alphabet of the suffixes of pod names.
  private static let suffixLetters = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

  /// Five letters, unique for each of 27^5 pods: the factor and 27 are coprime.
  private static func suffix(_ serial: Int) -> [UInt8] {
    var rest = serial * 7_368_787 % 14_348_907
    return (0..<5).map { _ in
      defer { rest /= 27 }
      return suffixLetters[rest % 27]
    }
  }
}

extension FieldTexts {
  /// Sets the name of the node and its own loopback address.
  fileprivate mutating func set(node number: Int) {
    set(.node, decimal: UInt64(number))
    set(.nodeAddress, network: "127", index: number)
  }

  var nodeName: String { "worker-\(text(.node))" }
  var podName: String { "\(text(.workload))-\(text(.revision))-\(text(.suffix))" }
}
