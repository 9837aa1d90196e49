internal import KubeClient
internal import Roll

extension PageBuilder {
  private static let gapsOnPage = 100

  /// The open gaps, filtered and sorted.
  func gapsView() throws(PageQuery.Problem) -> ViewBody {
    let number = try query.pageNumber()
    if query[.workload] != nil, query.workloadValue == nil {
      throw PageQuery.Problem(description: "workload \"\(query[.workload] ?? "")\" is not of the form Kind/name, such as Deployment/web")
    }
    let filter = GapFilter(
      text: query[.q], namespace: query[.namespace], workload: query.workloadValue, node: query[.node],
      source: try query.choice(.source, Source.self), kind: try query.choice(.kind, GapKind.self),
      reason: try query.choice(.reason, Reason.self))
    let order = try query.choice(.sort, GapOrder.self) ?? .oldest
    let pods = source.pods()
    let selection = GapSelection(
      filter, order: order, offset: (number - 1) * Self.gapsOnPage, limit: Self.gapsOnPage, ledger: ledger, pods: pods)
    func sortLink(_ order: GapOrder) -> String { links.to(.gaps, query.with(.sort, order.rawValue)) }
    let fields: Fields = [
      "q": query[.q] ?? "", "namespace": query[.namespace] ?? "", "workload": query[.workload] ?? "", "node": query[.node] ?? "",
      "sourceOptions": options(.source, Source.self), "kindOptions": options(.kind, GapKind.self),
      "reasonOptions": options(.reason, Reason.self), "sortOptions": options(.sort, GapOrder.allCases.map { ($0.rawValue, $0.label) }),
      "clearURL": links.to(.gaps), "isFiltered": query != PageQuery().with(.sort, query[.sort]).with(.page, query[.page]),
      "total": selection.total, "isEmpty": selection.page.isEmpty, "gaps": selection.page.map { row($0, pods) },
      "reasons": selection.byReason.map { reason, count -> Fields in
        ["reason": reason.rawValue, "count": count, "url": links.to(.gaps, query.with(.reason, reason.rawValue))]
      },
      "hasReasons": filter.reason == nil && selection.byReason.count > 1,
      "paging": paging(number, size: Self.gapsOnPage, total: selection.selected, what: "gaps"),
      "sortContainer": sortLink(.container), "sortNode": sortLink(.node), "sortReason": sortLink(.reason),
      "sortAge": sortLink(order == .oldest ? .newest : .oldest), "isByContainer": order == .container, "isByNode": order == .node,
      "isByReason": order == .reason, "isByOldest": order == .oldest, "isByNewest": order == .newest,
    ]
    return ViewBody(title: "Gaps", template: "gaps", fields: fields)
  }

  private func row(_ gap: Gap, _ pods: StoreSnapshot<PodRecord>) -> Fields {
    var fields: Fields = [
      "container": container(gap.container), "node": node(gap.node), "source": gap.source.rawValue, "kind": gap.kind.rawValue,
      "age": ago(gap.since), "reason": reason(gap.reason), "detail": short(gap.detail),
    ]
    fields["workload"] = workload(of: gap.container, pods)
    return fields
  }
}
