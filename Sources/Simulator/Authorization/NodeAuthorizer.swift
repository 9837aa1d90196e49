package import JSON

/// What kubelets may read of Secrets: those that pods on their node refer to, each as a whole, whatever items of it are mounted.
///
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/node/ and `VisitPodSecretNames` in kubernetes/pkg/api/v1/pod.
struct NodeAuthorizer {
  /// - Parameters:
  ///   - review: the `spec` of a SubjectAccessReview.
  ///   - pods: those of the cluster, or at least of the namespace in the review.
  static func allows(_ review: JSONValue, pods: [JSONValue]) -> Bool {
    let prefix = "system:node:"
    guard let user = review["user"]?.string, user.hasPrefix(prefix), review["groups"]?.array?.contains("system:nodes") == true,
      let access = review["resourceAttributes"], access["resource"] == "secrets", access["group"]?.string ?? "" == "",
      ["get", "list", "watch"].contains(access["verb"]?.string), let name = access["name"]?.string, !name.isEmpty
    else { return false }
    let node = String(user.dropFirst(prefix.count))
    return pods.contains { pod in
      pod["spec"]?["nodeName"]?.string == node && pod["metadata"]?["namespace"] == access["namespace"]
        && secretNames(in: pod["spec"] ?? .null).contains(name)
    }
  }

  /// The names of the Secrets to which the `spec` of a Pod refers.
  static func secretNames(in spec: JSONValue) -> Set<String> {
    var names: [String?] = (spec["imagePullSecrets"]?.array ?? []).map { $0["name"]?.string }
    for kind in ["initContainers", "containers", "ephemeralContainers"] {
      for container in spec[kind]?.array ?? [] {
        names += (container["envFrom"]?.array ?? []).map { $0["secretRef"]?["name"]?.string }
        names += (container["env"]?.array ?? []).map { $0["valueFrom"]?["secretKeyRef"]?["name"]?.string }
      }
    }
    for volume in spec["volumes"]?.array ?? [] {
      names.append(volume["secret"]?["secretName"]?.string)
      names += (volume["projected"]?["sources"]?.array ?? []).map { $0["secret"]?["name"]?.string }
      // The other kinds of volumes with credentials.
      for (_, source) in volume.object ?? [:] { names.append(source["secretRef"]?["name"]?.string) }
      names.append(volume["azureFile"]?["secretName"]?.string)
      names.append(volume["csi"]?["nodePublishSecretRef"]?["name"]?.string)
    }
    return Set(names.compactMap(\.self))
  }
}

extension SimulatedAPIServer {
  /// The names of the Secrets to which the `spec` of a Pod refers.
  package static func secretNames(in spec: JSONValue) -> Set<String> { NodeAuthorizer.secretNames(in: spec) }
}
