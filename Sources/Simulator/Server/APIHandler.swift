import FoundationEssentials
import JSON

/// The response to a request, before it is written.
enum APIResponse: Sendable {
  case whole(status: Int, contentType: String, body: [UInt8])
  case list(ListPage, ObjectEncoder)
  case watch(WatchSession)
}

/// Handles requests for resources, without HTTP.
struct APIHandler: Sendable {
  var cluster: Cluster
  var bookmarkInterval: Duration

  /// - Throws: the `APIFailure` to respond with.
  func response(to request: APIRequest, verb: Verb, on path: ResourcePath, now: Date) throws(APIFailure) -> APIResponse {
    guard try cluster.read({ $0.isDefined(path.kind) }) else { throw .noSuchResource }
    let form = try ResponseForm.negotiated(request.accept, kind: path.kind)
    let encoder = ObjectEncoder(kind: path.kind, form: form, now: now)
    switch verb {
    case .get:
      let object = try cluster.read { (store) throws(APIFailure) in
        try store.checkReached(request.query["resourceVersion"])
        return try store.get(path.kind.storage, namespace: path.namespace, name: path.name)
      }
      return try whole(object, encoder)
    case .list:
      let options = try listOptions(request, path)
      return .list(try cluster.read { (store) throws(APIFailure) in try store.list(path.kind.storage, options) }, encoder)
    case .watch:
      return .watch(try watch(request, path, encoder))
    case .create, .update, .patch, .apply, .delete, .deletecollection:
      return try write(request, verb: verb, on: path, encoder: encoder)
    }
  }

  private func whole(_ object: StoredObject, _ encoder: ObjectEncoder, status: Int = 200) throws(APIFailure) -> APIResponse {
    .whole(status: status, contentType: encoder.form.contentType, body: try encoder.object(object))
  }

  private func selector(_ request: APIRequest, _ path: ResourcePath) throws(APIFailure) -> Selector {
    var selector = Selector(namespace: path.namespace)
    selector.labels = try LabelSelector(request.query["labelSelector"] ?? "")
    selector.fields = try FieldSelector(request.query["fieldSelector"] ?? "", kind: path.kind)
    if !path.name.isEmpty { selector.fields.requirements.append(.init(field: .name, value: path.name, isEqual: true)) }
    return selector
  }

  private func listOptions(_ request: APIRequest, _ path: ResourcePath) throws(APIFailure) -> ListOptions {
    var options = ListOptions(selector: try selector(request, path))
    if let limit = request.query["limit"], !limit.isEmpty {
      guard let limit = Int(limit), limit >= 0 else { throw .badRequest("limit must be a number that is not negative, not \"\(limit)\"") }
      options.limit = limit
    }
    options.continuation = request.query["continue"] ?? ""
    options.resourceVersion = request.query["resourceVersion"] ?? ""
    options.match = try match(request)
    return options
  }

  private func match(_ request: APIRequest) throws(APIFailure) -> ListOptions.Match? {
    guard let text = request.query["resourceVersionMatch"], !text.isEmpty else { return nil }
    guard let match = ListOptions.Match(rawValue: text) else {
      throw .badRequest("resourceVersionMatch: Unsupported value: \"\(text)\": supported values: \"Exact\", \"NotOlderThan\"")
    }
    return match
  }

  private func watch(_ request: APIRequest, _ path: ResourcePath, _ encoder: ObjectEncoder) throws(APIFailure) -> WatchSession {
    let selector = try selector(request, path)
    var sendsInitialEvents: Bool?
    if let text = request.query["sendInitialEvents"], !text.isEmpty {
      guard try match(request) == .notOlderThan else {
        throw .badRequest("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
      }
      sendsInitialEvents = request.flag("sendInitialEvents")
    }
    let wantsBookmarks = request.flag("allowWatchBookmarks")
    let version = request.query["resourceVersion"] ?? ""
    let start = try cluster.read { (store) throws(APIFailure) in
      try store.startWatch(path.kind.storage, selector: selector, from: version, sendsInitialEvents: sendsInitialEvents)
    }
    // The real server picks a timeout between 30 and 60 minutes if the client has none.
    let timeout = request.query["timeoutSeconds"].flatMap(Int64.init).flatMap { $0 > 0 ? $0 : nil } ?? Int64.random(in: 1_800...3_600)
    return WatchSession(
      cluster: cluster, selector: selector, encoder: encoder, start: start, timeout: .seconds(timeout),
      bookmarkInterval: wantsBookmarks ? bookmarkInterval : nil, marksEndOfInitialEvents: sendsInitialEvents == true && wantsBookmarks)
  }

  private func write(
    _ request: APIRequest, verb: Verb, on path: ResourcePath, encoder: ObjectEncoder
  ) throws(APIFailure) -> APIResponse {
    let (kind, namespace, name) = (path.kind.storage, path.namespace, path.name)
    if kind.isNamespaced, namespace.isEmpty, verb != .deletecollection {
      throw APIFailure(code: 405, reason: "MethodNotAllowed", message: "a write of \(kind.qualifiedPlural) needs a namespace in the path")
    }
    let context = WriteContext(
      now: encoder.now, manager: request.manager, part: path.subresource == "status" ? .status : .object,
      group: path.kind.group, isDryRun: request.query["dryRun"] == "All")
    switch verb {
    case .create:
      let object = path.kind.stored(try RequestBody.object(request, message: kind.message))
      return try whole(
        try cluster.write { (store) throws(APIFailure) in
          try store.create(object, kind: kind, namespace: namespace, context: context)
        }, encoder, status: 201)
    case .update:
      let object = path.kind.stored(try RequestBody.object(request, message: kind.message))
      return try whole(
        try cluster.write { (store) throws(APIFailure) in
          try store.replace(object, kind: kind, namespace: namespace, name: name, context: context)
        }, encoder)
    case .apply:
      let configuration = path.kind.stored(try RequestBody.object(request, message: kind.message))
      if (request.query["fieldManager"] ?? "").isEmpty {
        throw .badRequest("PatchOptions is invalid: fieldManager: Required value: is required for apply patch")
      }
      let (object, isNew) = try cluster.write { (store) throws(APIFailure) in
        try store.apply(configuration, kind: kind, namespace: namespace, name: name, force: request.flag("force"), context: context)
      }
      return try whole(object, encoder, status: isNew ? 201 : 200)
    case .patch:
      let patch = try RequestBody.patch(request, kind: path.kind)
      return try whole(
        try cluster.write { (store) throws(APIFailure) in
          try store.modify(kind, namespace: namespace, name: name, context: context) { (live) throws(APIFailure) in
            try patch.patched(live, kind: kind)
          }
        }, encoder)
    case .delete:
      let preconditions = DeletePreconditions(try RequestBody.options(request))
      let (object, isGone) = try cluster.write { (store) throws(APIFailure) in
        try store.delete(kind, namespace: namespace, name: name, preconditions: preconditions, context: context)
      }
      return isGone ? deleted(object, kind) : try whole(object, encoder)
    case .deletecollection:
      let options = try listOptions(request, path)
      let page = try cluster.write { (store) throws(APIFailure) in
        let page = try store.list(kind, options)
        for object in page.items { _ = try store.delete(kind, namespace: object.namespace, name: object.name, context: context) }
        return page
      }
      return .list(page, encoder)
    case .get, .list, .watch:
      throw APIFailure(code: 405, reason: "MethodNotAllowed", message: "\(verb.rawValue) is not a write")
    }
  }

  private func deleted(_ object: StoredObject, _ kind: ResourceKind) -> APIResponse {
    var details = kind.details(name: object.name, kindName: kind.plural)
    details["uid"] = .string(object.uid)
    let status: JSONValue = ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": .object(details)]
    return .whole(status: 200, contentType: MediaType.json, body: status.bytes)
  }
}

extension ObjectStore {
  /// - Throws: `APIFailure` 504 for a future version.
  func checkReached(_ resourceVersion: String?) throws(APIFailure) {
    guard let resourceVersion, !resourceVersion.isEmpty else { return }
    let wanted = try parsedVersion(resourceVersion)
    if wanted > version { throw .tooLargeResourceVersion(wanted, current: version) }
  }
}
