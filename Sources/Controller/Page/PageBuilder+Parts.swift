internal import KubeClient
internal import Primitives
internal import Roll

// What several views have.

extension PageBuilder {
  // MARK: Values

  func time(_ unixMilliseconds: Int64) -> Fields {
    let text = Timestamp(unixMilliseconds: unixMilliseconds).rfc3339(fractionDigits: 0)
    return ["datetime": text, "text": text.replacing("T", with: " ").replacing("Z", with: " UTC")]
  }

  func ago(_ moment: Moment) -> Fields {
    var fields = time(reading.unixMilliseconds(of: moment))
    fields["text"] = (now - moment).shortText
    return fields
  }

  func reason(_ reason: Reason) -> Fields {
    ["reason": reason.rawValue, "runbook": source.runbooks.url(reason)]
  }

  func container(_ container: ContainerReference) -> Fields {
    ["text": "\(container.namespace)/\(container.pod)/\(container.container)", "url": links.container(container)]
  }

  func node(_ name: String) -> Fields { ["text": name, "url": links.node(name)] }

  func workload(_ name: WorkloadName) -> Fields {
    ["text": "\(name.workload)", "url": links.workload(name.workload, namespace: name.namespace)]
  }

  func workload(of container: ContainerReference, _ pods: StoreSnapshot<PodRecord>) -> Fields? {
    pods[ObjectKey(namespace: container.namespace, name: container.pod)].map { workload($0.workloadName) }
  }

  /// Long texts of others are cut, so that a view stays small.
  func short(_ text: String) -> String {
    text.utf8.count <= 400 ? text : String(decoding: text.utf8.prefix(400), as: UTF8.self) + "…"
  }

  // MARK: Coverage

  /// A bar in thousandths of all containers. A part that is not empty is at least two wide, so that a single gap is seen.
  func bar(_ counts: CoverageCounts, of what: String) -> Fields {
    let parts: [(CoverageState, Int)] = [
      (.covered, counts.collected), (.waiting, counts.waiting), (.missing, counts.gaps), (.exempt, counts.exempt),
    ]
    var x = 0
    let rectangles = parts.filter { $0.1 > 0 }.map { state, count -> Fields in
      let width = max(count * 1000 / max(counts.all, 1), 2)
      defer { x += width }
      return ["state": state.rawValue, "x": x, "width": width]
    }
    return ["rectangles": rectangles, "total": max(x, 1), "label": "\(what): \(sentence(counts))"]
  }

  func sentence(_ counts: CoverageCounts) -> String {
    var text = "\(counts.collected) of \(counts.expected) covered"
    if counts.gaps > 0 { text += ", \(counts.gaps) \(counts.gaps == 1 ? "gap" : "gaps")" }
    if counts.exempt > 0 { text += ", \(counts.exempt) exempt" }
    return text
  }

  func numbers(_ counts: CoverageCounts) -> Fields {
    [
      "expected": counts.expected, "covered": counts.collected, "waiting": counts.waiting, "gaps": counts.gaps,
      "exempt": counts.exempt, "state": counts.state.rawValue, "stateLabel": counts.state.label,
    ]
  }

  /// The cells' states, with their numbers.
  func legend(_ states: [CoverageState], key: PageQuery.Key = .state) -> [Fields] {
    var counts: [CoverageState: Int] = [:]
    for state in states { counts[state, default: 0] += 1 }
    return CoverageState.allCases.map { ["state": $0.rawValue, "label": $0.label, "count": counts[$0] ?? 0] }
  }

  // MARK: Forms

  /// The options of a choice, the selected one marked.
  func options(_ key: PageQuery.Key, _ values: [(value: String, label: String)]) -> [Fields] {
    let selected = query[key]
    return values.map { ["value": $0.value, "label": $0.label, "selected": $0.value == selected] }
  }

  func options<Choice: RawRepresentable & CaseIterable>(_ key: PageQuery.Key, _ type: Choice.Type) -> [Fields]
  where Choice.RawValue == String {
    options(key, type.allCases.map { ($0.rawValue, $0.rawValue) })
  }

  /// The namespaces that a form suggests.
  func namespaces(_ names: some Sequence<String>) -> [String] { Array(Set(names).sorted().prefix(500)) }

  // MARK: Pages

  /// Links to the other pages of a list; empty if there are none.
  /// - Parameters:
  ///   - number: of this page, from 1.
  ///   - what: such as "gaps".
  func paging(_ number: Int, size: Int, total: Int, what: String) -> Fields {
    let last = max((total + size - 1) / size, 1)
    func link(_ page: Int) -> String { links.to(view, query.with(.page, page == 1 ? nil : "\(page)")) }
    var fields: Fields = [
      "from": total == 0 ? 0 : min((number - 1) * size + 1, total), "to": min(number * size, total), "total": total, "what": what,
      "number": number, "last": last, "hasOthers": last > 1,
    ]
    if number > 1 {
      fields["firstURL"] = link(1)
      fields["previousURL"] = link(min(number - 1, last))
    }
    if number < last {
      fields["nextURL"] = link(number + 1)
      fields["lastURL"] = link(last)
    }
    return fields
  }
}

extension Duration {
  /// In two units at most: `3d4h`, `5m1s`.
  var shortText: String {
    let seconds = components.seconds
    let unit: Int64 =
      switch seconds {
      case 86_400...: 3600
      case 3600...: 60
      default: 1
      }
    return Duration.seconds(seconds / unit * unit).text
  }
}
