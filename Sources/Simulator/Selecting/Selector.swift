import JSON

/// Which objects a list or a watch is about.
struct Selector: Sendable {
  var namespace = ""
  var labels = LabelSelector()
  var fields = FieldSelector()

  /// Whether anything but the namespace limits the objects.
  var isFiltering: Bool { !labels.requirements.isEmpty || !fields.requirements.isEmpty }

  func matches(_ object: StoredObject) -> Bool {
    (namespace.isEmpty || object.namespace == namespace)
      && (labels.requirements.isEmpty || labels.matches(object.labels)) && fields.matches(object)
  }
}
