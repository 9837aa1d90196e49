// swift-tools-version: 6.2
import PackageDescription

// Programs that benchmarks need and users do not. A package of its own, so that a user's build has nothing of it; the sources of Rollcall's modules
// are linked in, so that a program has the modules that it measures and no others, and is built in a minute. Built and run by hack/bench-*.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
  name: "rollcall-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CISAL", pkgConfig: "libisal"),
    .systemLibrary(name: "CSnappy", pkgConfig: "snappy"),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1"),
    .target(name: "Primitives", swiftSettings: settings),
    .target(name: "JSON", swiftSettings: settings),
    .target(name: "YAML", dependencies: ["CYAML", "JSON"], swiftSettings: settings),
    .target(name: "HTTPTransport", dependencies: ["CCurl"], swiftSettings: settings),
    .target(name: "Collector", dependencies: ["CLinux", "Exposition", "Gzip", "HTTPTransport", "JSON", "Roll"], swiftSettings: settings),
    .target(name: "Exposition", swiftSettings: settings),
    .target(name: "Gzip", dependencies: ["CISAL"], swiftSettings: settings),
    .target(
      name: "Push", dependencies: ["CSnappy", "HTTPTransport", .product(name: "Logging", package: "swift-log")], swiftSettings: settings),
    .target(name: "Roll", dependencies: ["Primitives"], swiftSettings: settings),
    .target(
      name: "KubeClient",
      dependencies: [
        "HTTPTransport", "Primitives", "JSON", "YAML",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: settings),
    // Of the controller what is between rolls and requests: links to the files of targets, desired objects and their comparison.
    .target(
      name: "Controller",
      dependencies: ["Collector", "Primitives", "JSON", "KubeClient", "Roll", "YAML", .product(name: "Logging", package: "swift-log")],
      swiftSettings: settings),
    .executableTarget(name: "bench-targets", dependencies: ["Controller", "JSON", "Roll"], swiftSettings: settings),
    .target(name: "BenchmarkSupport", dependencies: ["Collector", "Roll"], swiftSettings: settings),
    .executableTarget(
      name: "bench-virtual", dependencies: ["BenchmarkSupport", "CLinux", "Collector", "Gzip", "HTTPTransport", "Roll"],
      swiftSettings: settings),
    .executableTarget(
      name: "bench-push",
      dependencies: [
        "BenchmarkSupport", "CLinux", "Collector", "Exposition", "HTTPTransport", "Push", "Roll",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "bench-client", dependencies: ["CLinux", "KubeClient", .product(name: "Logging", package: "swift-log")], swiftSettings: settings
    ),
  ]
)
