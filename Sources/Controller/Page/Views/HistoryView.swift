internal import Roll

extension PageBuilder {
  private static let endedOnPage = 100

  /// The last gaps that have ended, the newest first.
  func historyView() throws(PageQuery.Problem) -> ViewBody {
    let number = try query.pageNumber()
    let wantedSource = try query.choice(.source, Source.self)
    let kind = try query.choice(.kind, GapKind.self)
    let reason = try query.choice(.reason, Reason.self)
    let text = Array((query[.q] ?? "").lowercased().utf8)
    let all = source.endedGaps()
    let ended = all.reversed().filter { gap in
      (wantedSource == nil || gap.source == wantedSource) && (kind == nil || gap.kind == kind) && (reason == nil || gap.reason == reason)
        && (query[.node] == nil || gap.node == query[.node])
        && (query[.namespace] == nil || gap.container.namespace == query[.namespace])
        && (text.isEmpty || gap.searched.contains { SearchText.contains(text, $0) })
    }
    var fields: Fields = [
      "q": query[.q] ?? "", "namespace": query[.namespace] ?? "", "node": query[.node] ?? "",
      "sourceOptions": options(.source, Source.self), "kindOptions": options(.kind, GapKind.self),
      "reasonOptions": options(.reason, Reason.self), "clearURL": links.to(.history), "limit": GapHistory.limit,
      "paging": paging(number, size: Self.endedOnPage, total: ended.count, what: "entries"),
    ]
    fields.merge(endedFields(ended.dropFirst((number - 1) * Self.endedOnPage).prefix(Self.endedOnPage))) { $1 }
    return ViewBody(title: "Ended gaps", template: "history", fields: fields)
  }

  /// The fields of the table of ended gaps.
  func endedFields(_ gaps: some Sequence<EndedGap>) -> Fields {
    let rows = endedRows(gaps)
    return ["ended": rows, "hasEnded": !rows.isEmpty]
  }

  private func endedRows(_ gaps: some Sequence<EndedGap>) -> [Fields] {
    gaps.map { gap in
      var fields: Fields = [
        "container": container(gap.container), "node": node(gap.node), "source": gap.source.rawValue, "kind": gap.kind.rawValue,
        "reason": reason(gap.reason), "detail": gap.detail, "ended": time(gap.endUnixMilliseconds),
        "length": Duration.milliseconds(gap.endUnixMilliseconds - gap.sinceUnixMilliseconds).shortText, "end": gap.end.text,
      ]
      if gap.count > 1 { fields["others"] = gap.count - 1 }
      if let workload = gap.workload {
        fields["workload"] = self.workload(WorkloadName(namespace: gap.container.namespace, workload: workload))
      }
      return fields
    }
  }
}

extension EndedGap {
  /// The texts in which a search looks.
  fileprivate var searched: [String] {
    ["\(container.namespace)/\(container.pod)/\(container.container)", node, workload.map { "\($0)" } ?? ""]
  }
}
