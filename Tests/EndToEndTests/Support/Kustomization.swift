import Foundation
import JSON
import TestSupport
import YAML

/// What kustomize makes of `manifests/default` and components, as a kustomization in another folder lists them.
enum Kustomization {
  static let isInstalled = findProgram("kubectl") != nil

  /// The folders of `manifests/` that are components, by name.
  static let components: [String] = Repository.folders(in: "manifests").filter {
    (try? Repository.text("manifests/\($0)/kustomization.yaml").contains("\nkind: Component\n")) ?? false
  }

  static func objects(components: [String] = []) throws -> [JSONValue] {
    let folder = try TemporaryFolder()
    // kustomize refuses absolute paths.
    let up = String(repeating: "../", count: folder.path.split(separator: "/").count)
    func path(_ name: String) -> String { up + Repository.url("manifests/\(name)").path.dropFirst() }
    _ = try folder.write(
      "resources: [\(path("default"))]\ncomponents: [\(components.map(path).joined(separator: ", "))]\n", to: "kustomization.yaml")
    let text = try Shell.run("kubectl", "kustomize", folder.path)
    return try YAMLNode.documents(parsing: text.utf8, file: "kustomize").map(\.jsonValue)
  }
}
