import JSON
import Testing

@testable import KubeClient

@Suite struct RequestTests {
  @Test func `paths of core and group resources`() {
    #expect(APIRequest.get(.nodes, ObjectKey(name: "worker-1")).target == "/api/v1/nodes/worker-1")
    #expect(APIRequest.get(.pods, ObjectKey(namespace: "shop", name: "web-0")).target == "/api/v1/namespaces/shop/pods/web-0")
    #expect(
      APIRequest.get(.leases, ObjectKey(namespace: "monitoring", name: "a")).target
        == "/apis/coordination.k8s.io/v1/namespaces/monitoring/leases/a")
    #expect(APIRequest.list(.pods, limit: nil).target == "/api/v1/pods")
    #expect(APIRequest.list(.pods, Selection(namespace: "shop"), limit: nil).target == "/api/v1/namespaces/shop/pods")
  }

  @Test
  func `the path of a cluster-scoped resource ignores the namespace`() {
    #expect(APIRequest.get(.nodes, ObjectKey(namespace: "shop", name: "a")).path == "/api/v1/nodes/a")
  }

  @Test
  func `names and values are percent-encoded`() {
    #expect(
      APIRequest.get(.pods, ObjectKey(namespace: "a/b", name: "../x?y#z %é")).target
        == "/api/v1/namespaces/a%2Fb/pods/..%2Fx%3Fy%23z%20%25%C3%A9")
    let selection = Selection(labels: "app in (a,b),c!=d&e", fields: "spec.nodeName=w+1")
    #expect(
      APIRequest.list(.pods, selection, limit: 500, continue: "ab=/+").target
        == "/api/v1/pods?labelSelector=app%20in%20%28a%2Cb%29%2Cc%21%3Dd%26e&fieldSelector=spec.nodeName%3Dw%2B1&limit=500&continue=ab%3D%2F%2B"
    )
  }

  @Test
  func `R01, R02: no page of a list has a resource version`() {
    #expect(APIRequest.list(.nodes, limit: 500).query == [QueryItem("limit", "500")])
    #expect(APIRequest.list(.nodes, limit: 500, continue: "t").query == [QueryItem("limit", "500"), QueryItem("continue", "t")])
  }

  @Test
  func `R07: the check of a version lists one object`() {
    #expect(
      APIRequest.one(of: .nodes, notOlderThan: "42").target
        == "/api/v1/nodes?limit=1&resourceVersion=42&resourceVersionMatch=NotOlderThan")
  }

  @Test
  func `R04: a watch requests bookmarks and a timeout`() {
    let request = APIRequest.watch(.nodes, from: "17", timeoutSeconds: 321, accept: MediaType.either)
    #expect(request.target == "/api/v1/nodes?watch=true&allowWatchBookmarks=true&resourceVersion=17&timeoutSeconds=321")
    #expect(request.accept == "application/vnd.kubernetes.protobuf, application/json")
  }

  @Test func `apply is a patch with its own content type`() throws {
    let object: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a", "namespace": "b"]]
    let request = APIRequest.apply(
      .configMaps, ObjectKey(namespace: "b", name: "a"), object, fieldManager: "rollcall controller", force: true)
    #expect(request.method == "PATCH")
    #expect(request.target == "/api/v1/namespaces/b/configmaps/a?fieldManager=rollcall%20controller&force=true")
    #expect(request.contentType == "application/apply-patch+yaml")
    #expect(try JSONValue(parsing: try #require(request.body)) == object)
  }

  @Test func `create, replace and delete`() throws {
    let object: JSONValue = ["metadata": ["name": "a"]]
    let create = APIRequest.create(.secrets, namespace: "b", object)
    #expect(create.method == "POST")
    #expect(create.target == "/api/v1/namespaces/b/secrets")
    let replace = APIRequest.replace(.secrets, ObjectKey(namespace: "b", name: "a"), object)
    #expect(replace.method == "PUT")
    #expect(replace.target == "/api/v1/namespaces/b/secrets/a")
    let delete = APIRequest.delete(
      .secrets, ObjectKey(namespace: "b", name: "a"), DeletePreconditions(uid: "u", resourceVersion: "7"))
    #expect(delete.method == "DELETE")
    #expect(
      try JSONValue(parsing: try #require(delete.body))
        == ["kind": "DeleteOptions", "apiVersion": "v1", "preconditions": ["uid": "u", "resourceVersion": "7"]])
  }

  @Test(arguments: APIResource.known)
  func `apiVersion and kind identify a known resource`(_ resource: APIResource) {
    #expect(APIResource.known(apiVersion: resource.apiVersion, kind: resource.kind) == resource)
  }

  @Test func `unknown kinds have no resource`() {
    #expect(APIResource.known(apiVersion: "v2", kind: "Pod") == nil)
    #expect(APIResource.known(apiVersion: "v1", kind: "Event") == nil)
  }
}
