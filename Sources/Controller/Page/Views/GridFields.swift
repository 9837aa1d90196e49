internal import KubeClient
internal import Roll

// Grids: a cell for each node or workload, coloured by state, with its name and numbers as text.

extension PageBuilder {
  /// The bytes that the cells of one page may take; the rest of a view is small.
  private static let gridBytes = 930_000
  /// What a cell takes at most besides its name, which it has in its address and in its text. With names of 44 bytes, as those of a cloud's
  /// nodes, all 5,000 cells are on one page.
  private static let cellBytes = 98
  private static let maximumCells = 5000

  /// Cells are as many as a page has room for, with the longest name.
  private func gridSize(longest: Int) -> Int {
    min(Self.maximumCells, max(Self.gridBytes / (Self.cellBytes + 2 * longest), 100))
  }

  func nodeGrid(_ nodes: [NodeCounts], number: Int) -> Fields {
    let size = gridSize(longest: nodes.lazy.map(\.name.utf8.count).max() ?? 0)
    let cells = nodes.dropFirst((number - 1) * size).prefix(size).map { node -> Fields in
      cell(url: links.node(node.name), name: node.name, node.counts)
    }
    return grid(cells, nodes.map(\.counts.state), paging: paging(number, size: size, total: nodes.count, what: "nodes"))
  }

  func workloadGrid(_ workloads: [WorkloadCounts], number: Int) -> Fields {
    let longest = workloads.lazy.map { $0.name.namespace.utf8.count + $0.name.workload.kind.utf8.count + $0.name.workload.name.utf8.count }
    let size = gridSize(longest: (longest.max() ?? 0) + 20)
    let cells = workloads.dropFirst((number - 1) * size).prefix(size).map { workload -> Fields in
      let name = workload.name
      return cell(
        url: links.workload(name.workload, namespace: name.namespace), name: "\(name.namespace)/\(name.workload)", workload.counts)
    }
    return grid(cells, workloads.map(\.counts.state), paging: paging(number, size: size, total: workloads.count, what: "workloads"))
  }

  private func cell(url: String, name: String, _ counts: CoverageCounts) -> Fields {
    ["url": url, "state": counts.state.rawValue, "text": "\(name): \(cellText(counts))"]
  }

  /// In few words, since there are thousands.
  private func cellText(_ counts: CoverageCounts) -> String {
    let text =
      counts.gaps > 0
      ? "\(counts.gaps) \(counts.gaps == 1 ? "gap" : "gaps") of \(counts.expected)" : "\(counts.collected) of \(counts.expected) covered"
    return counts.exempt > 0 ? text + ", \(counts.exempt) exempt" : text
  }

  private func grid(_ cells: [Fields], _ states: [CoverageState], paging: Fields) -> Fields {
    ["cells": cells, "isEmpty": cells.isEmpty, "legend": legend(states), "paging": paging]
  }
}
