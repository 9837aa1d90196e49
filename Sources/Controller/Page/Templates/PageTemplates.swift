internal import Mustache

/// The templates of the page, in Mustache, and the files that it links to. They are texts of the executable, which stays one file.
///
/// A view is a template of its own within `layout`. A text is escaped by `{{name}}`; no template has `{{{name}}}` or `{{&name}}`.
enum PageTemplates {
  static let sources: [(name: String, text: String)] =
    [("layout", layout), ("message", message)] + parts + [
      ("overview", overview), ("gaps", gaps), ("nodes", nodes), ("workloads", workloads), ("history", history), ("search", search),
      ("node", node), ("workload", workload), ("container", container),
    ]

  static let library: MustacheLibrary = {
    MustacheContentTypes.register(HTMLText(), named: HTMLText.name)
    var library = MustacheLibrary()
    for (name, text) in sources {
      do {
        try library.register("\(HTMLText.pragma)\(text)", named: name)
      } catch {
        // A constant of ours; a test renders all of them.
        preconditionFailure("the template \(name) is not valid: \(error)")
      }
    }
    return library
  }()
}
