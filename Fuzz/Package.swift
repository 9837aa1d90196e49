// swift-tools-version: 6.2
import PackageDescription

// The parts of Rollcall that read what others wrote, for libFuzzer. Their sources are links to those of Rollcall, so that all of it is one
// package and the fuzzed functions are reached without being public. Built and run by hack/fuzz; no part of Rollcall's own build.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "rollcall-fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    .target(name: "Primitives", swiftSettings: settings),
    .target(name: "JSON", swiftSettings: settings),
    .target(name: "YAML", dependencies: ["CYAML", "JSON"], swiftSettings: settings),
    .target(name: "Exposition", swiftSettings: settings),
    .target(name: "HTTPTransport", dependencies: ["CCurl"], swiftSettings: settings),
    .target(
      name: "KubeClient",
      dependencies: [
        "HTTPTransport", "Primitives", "JSON", "YAML",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: settings),
    // Without a main function of its own: libFuzzer brings one.
    .executableTarget(
      name: "Fuzz", dependencies: ["Exposition", "JSON", "KubeClient", "YAML"],
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]),
  ]
)
