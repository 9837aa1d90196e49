/// A view of the page. Its path is `/` for the overview and `/page/NAME` for the others; everything else that it shows is in the query.
package enum PageView: String, CaseIterable, Hashable, Sendable {
  case overview = ""
  case gaps, nodes, workloads, history, search, node, workload, container

  package static let folder = "/page/"

  package init?(path: String) {
    if path == "/" {
      self = .overview
      return
    }
    guard path.hasPrefix(Self.folder), let view = PageView(rawValue: String(path.dropFirst(Self.folder.count))), view != .overview else {
      return nil
    }
    self = view
  }

  package var path: String { self == .overview ? "/" : Self.folder + rawValue }

  /// The views of the navigation, with their names there.
  static let navigation: [(view: PageView, label: String)] = [
    (.overview, "Overview"), (.gaps, "Gaps"), (.nodes, "Nodes"), (.workloads, "Workloads"), (.history, "Ended gaps"),
  ]
}

/// A file that the page links to.
package enum PageAsset: String, CaseIterable, Hashable, Sendable {
  case style = "style.css"
  case script = "script.js"
  case icon = "icon.svg"

  package init?(path: String) {
    guard path.hasPrefix(PageView.folder), let asset = PageAsset(rawValue: String(path.dropFirst(PageView.folder.count))) else {
      return nil
    }
    self = asset
  }

  package var path: String { PageView.folder + rawValue }

  package var contentType: String {
    switch self {
    case .style: "text/css; charset=utf-8"
    case .script: "text/javascript; charset=utf-8"
    case .icon: "image/svg+xml"
    }
  }

  package var text: String {
    switch self {
    case .style: PageTemplates.style
    case .script: PageTemplates.script
    case .icon: PageTemplates.icon
    }
  }
}
