internal import KubeClient
internal import Roll

/// What a view shows, as in the query of its URL.
package struct PageQuery: Equatable, Sendable {
  /// In the order in which links have them.
  enum Key: String, CaseIterable {
    case q, namespace, workload, pod, container, node, source, kind, reason, state, sort, list, page
  }

  /// A value that a view does not know, for the person who typed it.
  struct Problem: Error, CustomStringConvertible {
    var description: String
  }

  /// Longer than any name of Kubernetes with its namespace.
  static let maximumLength = 600

  private var values: [Key: String] = [:]

  package init() {}

  /// Parameters that are not known are left out, so that a link may have others. Of several with one name the last counts.
  package init(_ parameters: some Sequence<(name: String, value: String)>) {
    for (name, value) in parameters {
      guard let key = Key(rawValue: name) else { continue }
      self[key] = String(value.prefix(Self.maximumLength))
    }
  }

  /// `nil` without the parameter, and for an empty one, as a form sends it.
  subscript(key: Key) -> String? {
    get { values[key] }
    set { values[key] = newValue.flatMap { $0.isEmpty ? nil : $0 } }
  }

  func with(_ key: Key, _ value: String?) -> PageQuery {
    var query = self
    query[key] = value
    // Another selection begins with its first page.
    if key != .page { query[.page] = nil }
    return query
  }

  /// A value of a closed list.
  func choice<Choice: RawRepresentable & CaseIterable>(_ key: Key, _ type: Choice.Type) throws(Problem) -> Choice?
  where Choice.RawValue == String {
    guard let text = self[key] else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw Problem(description: "\(key.rawValue) \"\(text)\" is not one of \(known)")
    }
    return choice
  }

  /// The number of the page, from 1.
  func pageNumber() throws(Problem) -> Int {
    guard let text = self[.page] else { return 1 }
    guard let number = Int(text), (1...1_000_000).contains(number) else {
      throw Problem(description: "page \"\(text)\" is not a number from 1 to 1000000")
    }
    return number
  }

  /// With the leading question mark; empty without a value.
  var text: String {
    let parts = Key.allCases.compactMap { key in self[key].map { "\(key.rawValue)=\(percentEncoded($0))" } }
    return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
  }
}

extension PageQuery {
  static func node(_ name: String) -> PageQuery { PageQuery().with(.node, name) }

  static func workload(_ workload: Workload, namespace: String) -> PageQuery {
    PageQuery().with(.namespace, namespace).with(.workload, "\(workload)")
  }

  static func container(_ container: ContainerReference) -> PageQuery {
    PageQuery().with(.namespace, container.namespace).with(.pod, container.pod).with(.container, container.container)
  }

  /// The workload `Kind/name`. The kind is up to the first slash, which names do not have.
  var workloadValue: Workload? {
    guard let text = self[.workload], let slash = text.firstIndex(of: "/"), slash != text.startIndex else { return nil }
    let name = text[text.index(after: slash)...]
    return name.isEmpty ? nil : Workload(kind: String(text[..<slash]), name: String(name))
  }
}

/// For a value in a query (RFC 3986, section 3.4). A slash and a colon may stay.
func percentEncoded(_ text: String) -> String {
  var encoded: [UInt8] = []
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "/"), UInt8(ascii: ":"):
      encoded.append(byte)
    default:
      let digits = Array("0123456789ABCDEF".utf8)
      encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: encoded, as: UTF8.self)
}

/// The addresses of views, relative to the one that is shown, so that the page works below any path of a proxy.
struct PageLinks: Sendable {
  let current: PageView

  /// Before the name of a file or view in the folder of the page.
  var folder: String { current == .overview ? "page/" : "" }

  func to(_ view: PageView, _ query: PageQuery = PageQuery()) -> String {
    switch (view, current) {
    case (.overview, .overview): "./" + query.text
    case (.overview, _): "../" + query.text
    default: folder + view.rawValue + query.text
    }
  }

  /// A path of the server, such as `api/v1/gaps`.
  func toServer(_ path: String) -> String { (current == .overview ? "" : "../") + path }

  func node(_ name: String) -> String { to(.node, .node(name)) }
  func workload(_ workload: Workload, namespace: String) -> String { to(.workload, .workload(workload, namespace: namespace)) }
  func container(_ container: ContainerReference) -> String { to(.container, .container(container)) }
}
