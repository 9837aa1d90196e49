import Foundation
import JSON
import Primitives
import TestSupport
import Testing
import YAML

/// The scripts of a release, with a small build of the test's own.
@Suite(.ownThread, .enabled(if: findProgram("jq") != nil, "jq is not installed"))
struct SupplyChainTests {
  private let folder: TemporaryFolder

  /// A copy of the scripts, with a folder for a build.
  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Repository.url("hack").path, toPath: "\(folder.path)/hack")
    try FileManager.default.createDirectory(atPath: "\(folder.path)/.build", withIntermediateDirectories: true)
  }

  private func list(_ lines: String...) throws {
    _ = try folder.write((["# a comment"] + lines).joined(separator: "\n") + "\n", to: "hack/dependencies.txt")
  }

  private func built(_ packages: (location: String, version: String)...) throws {
    let dependencies = packages.map { package -> JSONValue in
      let name = package.location.split(separator: "/").last.map(String.init)?.replacing(".git", with: "") ?? ""
      return [
        "packageRef": ["identity": .string(name), "location": .string(package.location)], "subpath": .string(name),
        "state": ["checkoutState": ["revision": "0", "version": .string(package.version)]],
      ]
    }
    let state: JSONValue = ["object": ["dependencies": .array(dependencies)]]
    _ = try folder.write(state.prettyText, to: ".build/workspace-state.json")
  }

  private func check(_ arguments: String...) throws {
    try Shell.run(arguments: ["bash", "\(folder.path)/hack/check-dependencies"] + arguments)
  }

  @Test func `R136: the plugin of kubectl is packed with the checksum of what is installed`() throws {
    let release = "\(folder.path)/release"
    try FileManager.default.createDirectory(atPath: release, withIntermediateDirectories: true)
    // A small executable.
    try FileManager.default.copyItem(atPath: requireProgram("true"), toPath: "\(release)/rollcall")
    try Shell.run("bash", Repository.url("hack/make-krew").path, "https://releases.example/0/", release)
    let manifest = try YAMLNode(parsing: Data(contentsOf: URL(filePath: "\(release)/rollcall.yaml")), file: "rollcall.yaml").jsonValue
    #expect(manifest["spec"]?["version"]?.string == "v\(ProductVersion.current)")
    let platform = try #require(manifest["spec"]?["platforms"]?[0])
    let archive = try #require(platform["uri"]?.string?.split(separator: "/").last)
    #expect(platform["uri"]?.string == "https://releases.example/0/\(archive)")
    #expect(try Shell.run("sha256sum", "\(release)/\(archive)").hasPrefix(try #require(platform["sha256"]?.string)))

    // What krew does: unpack the files, and link the executable.
    try Shell.run("tar", "--extract", "--gzip", "--file", "\(release)/\(archive)", "--directory", folder.path)
    try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/kubectl-rollcall", withDestinationPath: "rollcall")
    try Shell.run("env", "\(folder.path)/kubectl-rollcall")
    #expect(throws: CommandFailed.self) {
      try Shell.run("bash", Repository.url("hack/make-krew").path, "https://releases.example", folder.path + "/no")
    }
  }

  @Test func `R110: a build of other packages than those listed is an error that names them`() throws {
    try list("https://example.com/a 1.0.0", "https://example.com/b 2.0.0")
    try built(("https://example.com/b.git", "2.0.0"), ("https://example.com/a", "1.0.0"))
    try check()

    try built(("https://example.com/b.git", "2.0.1"), ("https://example.com/a", "1.0.0"), ("https://example.com/c", "3.0.0"))
    let failure = #expect(throws: CommandFailed.self) { try check() }
    for text in [
      "-https://example.com/b 2.0.0", "+https://example.com/b 2.0.1", "+https://example.com/c 3.0.0", "check-dependencies --write",
    ] {
      #expect(failure?.description.contains(text) == true)
    }

    try check("--write")
    #expect(
      try String(contentsOfFile: "\(folder.path)/hack/dependencies.txt", encoding: .utf8)
        == "# a comment\nhttps://example.com/a 1.0.0\nhttps://example.com/b 2.0.1\nhttps://example.com/c 3.0.0\n")
    try check()
  }

  @Test func `R110: the list has every package that Package_swift names, in a version that it accepts`() throws {
    let manifest = try Repository.text("Package.swift")
    let listed = try Repository.text("hack/dependencies.txt").split(separator: "\n").filter { !$0.hasPrefix("#") }
    let versions = Dictionary(uniqueKeysWithValues: listed.map { ($0.split(separator: " ")[0], $0.split(separator: " ")[1]) })
    let required = manifest.matches(of: /\.package\(url: "([^"]+)", from: "([^"]+)"/)
    #expect(required.count > 10)
    for requirement in required {
      let version = try #require(versions[requirement.1], "\(requirement.1) is not in hack/dependencies.txt")
      #expect(!version.description.isOlder(than: String(requirement.2)), "\(requirement.1)")
    }
    // Those of others too.
    #expect(versions.count > required.count)
  }

  @Test(.enabled(if: findProgram("git") != nil, "git is not installed"))
  func `R110: packages are pinned to the commits of their versions`() throws {
    let package = "\(folder.path)/Some-Package"
    func git(_ arguments: String...) throws -> String {
      let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "tag.gpgSign=false", "-c", "commit.gpgSign=false"]
      return try Shell.run(arguments: ["git", "-C", package] + identity + arguments).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    try FileManager.default.createDirectory(atPath: package, withIntermediateDirectories: true)
    _ = try git("init", "--quiet")
    _ = try git("commit", "--quiet", "--allow-empty", "--message", "one")
    _ = try git("tag", "1.0.0")
    _ = try git("commit", "--quiet", "--allow-empty", "--message", "two")
    _ = try git("tag", "--annotate", "--message", "two", "2.0.0")
    _ = try git("commit", "--quiet", "--allow-empty", "--message", "three")
    let location = "file://\(package)"
    func pin() throws -> JSONValue? {
      try Shell.run("bash", "-c", ". \(folder.path)/hack/lib.sh && pin_dependencies")
      return try JSONValue(parsing: Data(contentsOf: URL(filePath: "\(folder.path)/Package.resolved")))["pins"]?[0]
    }
    for (version, commit) in [("1.0.0", "HEAD~2"), ("2.0.0", "HEAD~1")] {
      try list("\(location) \(version)")
      #expect(
        try pin() == [
          "identity": "some-package", "kind": "remoteSourceControl", "location": .string(location),
          "state": ["version": .string(version), "revision": .string(try git("rev-parse", commit))],
        ])
    }
    try list("\(location) 3.0.0")
    let failure = #expect(throws: CommandFailed.self) { try pin() }
    #expect(failure?.description.contains("has no version 3.0.0") == true)
  }

  @Test(.enabled(if: findProgram("dpkg-query") != nil, "not a Debian machine"))
  func `R110: an SBOM lists what was linked and nothing else`() throws {
    let (objects, sources) = ("\(folder.path)/.build/release", "\(folder.path)/.build/checkouts")
    try built(("https://github.com/example/linked.git", "1.2.3"), ("https://github.com/example/unused", "4.5.6"))
    // A Swift module and a C file, as SwiftPM plans them, and an object of our own.
    let plan = [
      ("\(sources)/linked/Sources/Linked/A.swift", "\(objects)/Linked.build/A.swift.o"),
      ("\(sources)/unused/Sources/Unused/b.c", "\(objects)/Unused.build/b.c.o"),
      ("\(folder.path)/Sources/Own/C.swift", "\(objects)/Own.build/C.swift.o"),
    ]
    let commands = plan.map { "  \"C\":\n    tool: shell\n    inputs: [\"\($0.0)\"]\n    outputs: [\"\($0.1)\"]\n" }
    _ = try folder.write("commands:\n" + commands.joined(), to: ".build/release.yaml")
    // In make's format, as the linker writes it. libc.a is in the package libc6-dev.
    let archive = try #require(
      ["/usr/lib/x86_64-linux-gnu/libc.a", "/usr/lib/aarch64-linux-gnu/libc.a"].first(where: FileManager.default.fileExists(atPath:)))
    let files = [plan[0].1, plan[2].1, archive]
    _ = try folder.write(
      "rollcall: \\\n  " + files.joined(separator: " \\\n  ") + "\n\n" + files.map { "\($0):\n" }.joined(), to: ".build/rollcall.link")
    try FileManager.default.createDirectory(atPath: "\(folder.path)/Sources/Primitives", withIntermediateDirectories: true)
    _ = try folder.write("  package static let current = \"9.8.7\"\n", to: "Sources/Primitives/ProductVersion.swift")
    let executable = try folder.write("abc", to: "rollcall")

    func sbom() throws -> String {
      try Shell.run(
        arguments: ["bash", "\(folder.path)/hack/sbom", "rollcall", executable], environment: ["SOURCE_DATE_EPOCH": "1767225600"])
    }
    let text = try sbom()
    #expect(try sbom() == text, "the same bytes each time")
    let document = try JSONValue(parsing: Array(text.utf8))
    #expect(document["spdxVersion"] == "SPDX-2.3")
    #expect(document["creationInfo"]?["created"] == "2026-01-01T00:00:00Z")
    let packages = document["packages"]?.array ?? []
    let named = packages.map { "\($0["name"]?.string ?? "") \($0["versionInfo"]?.string ?? "")" }
    let libc = try Shell.run("dpkg-query", "-W", "-f", "${Version}", "libc6-dev")
    #expect(named.contains("rollcall 9.8.7") && named.contains("linked 1.2.3") && named.contains("libc6-dev \(libc)"))
    #expect(named.contains { $0.hasPrefix("swift-runtime ") })
    #expect(named.count == 4)
    // SHA-256 of "abc", from FIPS 180-2.
    #expect(
      packages.first?["checksums"]?[0]?["checksumValue"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let relations = (document["relationships"]?.array ?? []).compactMap { $0["relationshipType"]?.string }
    #expect(relations.filter { $0 == "STATIC_LINK" }.count == 3)
  }
}

extension String {
  /// Compares two versions of three numbers.
  fileprivate func isOlder(than other: String) -> Bool {
    let (own, others) = (split(separator: ".").compactMap { Int($0) }, other.split(separator: ".").compactMap { Int($0) })
    return own.lexicographicallyPrecedes(others)
  }
}
