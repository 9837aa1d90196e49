internal import Roll

/// How a list is shown.
enum ListForm: String, CaseIterable {
  case grid, table
}

enum CoverageOrder: String, CaseIterable {
  case name, state, gaps

  var label: String {
    switch self {
    case .name: "by name"
    case .state: "worst first"
    case .gaps: "most gaps first"
    }
  }
}

extension PageBuilder {
  private static let rowsOnPage = 200

  func nodesView() throws(PageQuery.Problem) -> ViewBody {
    let number = try query.pageNumber()
    let wantedSource = try query.choice(.source, Source.self)
    let state = try query.choice(.state, CoverageState.self)
    let order = try query.choice(.sort, CoverageOrder.self) ?? .name
    let form = try query.choice(.list, ListForm.self) ?? .grid
    let text = Array((query[.q] ?? "").lowercased().utf8)
    var nodes = ledger.nodeCounts(at: now).filter { node in
      (wantedSource == nil || node.node.roll.source == wantedSource) && (state == nil || node.counts.state == state)
        && (text.isEmpty || SearchText.contains(text, node.name))
    }
    sort(&nodes, order, by: \.counts)
    let notes = source.rolls.snapshot().notes
    var fields = listFields(form)
    fields["sourceOptions"] = options(.source, Source.self)
    if form == .grid {
      fields["grid"] = nodeGrid(nodes, number: number)
    } else {
      fields["rows"] = nodes.dropFirst((number - 1) * Self.rowsOnPage).prefix(Self.rowsOnPage).map { node -> Fields in
        var fields = numbers(node.counts)
        fields["node"] = self.node(node.name)
        fields["source"] = node.node.roll.source.rawValue
        fields["address"] = node.node.roll.address ?? "–"
        fields["ready"] = node.node.roll.nodeReady ? "yes" : "no"
        fields["notes"] = short((notes[node.name] ?? []).joined(separator: "; "))
        return fields
      }
      fields["paging"] = paging(number, size: Self.rowsOnPage, total: nodes.count, what: "nodes")
    }
    fields["isEmpty"] = nodes.isEmpty
    return ViewBody(title: "Nodes", template: "nodes", fields: fields)
  }

  func workloadsView() throws(PageQuery.Problem) -> ViewBody {
    let number = try query.pageNumber()
    let state = try query.choice(.state, CoverageState.self)
    let order = try query.choice(.sort, CoverageOrder.self) ?? .name
    let form = try query.choice(.list, ListForm.self) ?? .grid
    let namespace = query[.namespace]
    let text = Array((query[.q] ?? "").lowercased().utf8)
    let all = ledger.workloadCounts(source.pods(), at: now)
    var workloads = all.filter { workload in
      (namespace == nil || workload.name.namespace == namespace) && (state == nil || workload.counts.state == state)
        && (text.isEmpty || SearchText.contains(text, "\(workload.name.namespace)/\(workload.name.workload)"))
    }
    sort(&workloads, order, by: \.counts)
    var fields = listFields(form)
    fields["namespace"] = namespace ?? ""
    fields["namespaces"] = namespaces(all.lazy.map(\.name.namespace))
    if form == .grid {
      fields["grid"] = workloadGrid(workloads, number: number)
    } else {
      fields["rows"] = workloads.dropFirst((number - 1) * Self.rowsOnPage).prefix(Self.rowsOnPage).map { workload -> Fields in
        var fields = numbers(workload.counts)
        fields["namespace"] = workload.name.namespace
        fields["workload"] = self.workload(workload.name)
        fields["pods"] = workload.pods
        return fields
      }
      fields["paging"] = paging(number, size: Self.rowsOnPage, total: workloads.count, what: "workloads")
    }
    fields["isEmpty"] = workloads.isEmpty
    return ViewBody(title: "Workloads", template: "workloads", fields: fields)
  }

  /// Lists are in order of name; those with the same rank stay so.
  private func sort<Item>(_ items: inout [Item], _ order: CoverageOrder, by counts: (Item) -> CoverageCounts) {
    switch order {
    case .name: break
    case .state:
      items = CoverageState.allCases.sorted { $0.rank < $1.rank }.flatMap { state in items.filter { counts($0).state == state } }
    case .gaps:
      items = items.enumerated().sorted { left, right in
        let (leftGaps, rightGaps) = (counts(left.element).gaps, counts(right.element).gaps)
        return leftGaps == rightGaps ? left.offset < right.offset : leftGaps > rightGaps
      }.map(\.element)
    }
  }

  private func listFields(_ form: ListForm) -> Fields {
    [
      "q": query[.q] ?? "", "stateOptions": options(.state, CoverageState.allCases.map { ($0.rawValue, $0.label) }),
      "sortOptions": options(.sort, CoverageOrder.allCases.map { ($0.rawValue, $0.label) }),
      "listOptions": options(.list, ListForm.self), "clearURL": links.to(view), "isTable": form == .table,
    ]
  }
}
