internal import JSON

extension KubeClient {
  func pages(_ resource: APIResource, _ selection: Selection) async throws(KubeError) -> ObjectList {
    var items: [JSONValue] = []
    var token: String?
    var limit: Int? = WatchPolicy.standard.pageSize
    while true {
      let page: JSONValue
      do {
        page = try await object(
          .list(resource, selection, limit: limit, continue: token), limits: limit == nil ? .wholeList : .page)
      } catch {
        guard token != nil, error.status?.isExpired == true else { throw error }
        (items, token, limit) = ([], nil, nil)
        continue
      }
      guard let metadata = page["metadata"], let version = metadata["resourceVersion"]?.string else {
        throw .decode("the answer to a list of \(resource.plural) has no metadata.resourceVersion")
      }
      for item in page["items"]?.array ?? [] {
        items.append(item.named(resource))
      }
      guard let next = metadata["continue"]?.string, !next.isEmpty else {
        return ObjectList(items: items, resourceVersion: version)
      }
      token = next
    }
  }

  /// The resource that the caller named, or else that of the object by what it says of itself.
  func known(_ object: JSONValue, as named: APIResource?) throws(KubeError) -> APIResource {
    if let named { return named }
    let apiVersion = object["apiVersion"]?.string ?? ""
    let kind = object["kind"]?.string ?? ""
    guard let resource = APIResource.known(apiVersion: apiVersion, kind: kind) else {
      throw .request("no path is known for apiVersion '\(apiVersion)', kind '\(kind)'; name its APIResource")
    }
    return resource
  }

  func key(of object: JSONValue) throws(KubeError) -> ObjectKey {
    guard let name = object["metadata"]?["name"]?.string, !name.isEmpty else {
      throw .request("an object without metadata.name has no path")
    }
    return ObjectKey(namespace: object["metadata"]?["namespace"]?.string ?? "", name: name)
  }
}

extension JSONValue {
  /// With the `apiVersion` and `kind` that items of a list lack.
  fileprivate func named(_ resource: APIResource) -> JSONValue {
    var object = self
    if object["apiVersion"] == nil { object["apiVersion"] = .string(resource.apiVersion) }
    if object["kind"] == nil { object["kind"] = .string(resource.kind) }
    return object
  }
}
