// swift-tools-version: 6.2
import PackageDescription

/// The language mode and the checks that every target of ours is compiled with.
/// `ROLLCALL_STRICT=1` (set by hack/test) makes every warning an error; a user's build is not broken by a newer compiler's new warning.
let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + (Context.environment["ROLLCALL_STRICT"] == "1" ? [.treatAllWarnings(as: .error)] : [])

/// Benchmarks/ and the libFuzzer executable are part of the package only for hack/bench-*, hack/test and hack/fuzz, which set these
/// variables.
let withBenchmarks = Context.environment["ROLLCALL_BENCHMARKS"] == "1"
let withFuzzer = Context.environment["ROLLCALL_FUZZ"] == "1"

/// How the executables are linked for release: without a dynamic symbol table, which keeps unused code alive and takes 3 MB; with packed
/// relocations, which the loader reads in a tenth of the pages; and with the functions that the agent runs next to each other, so that the
/// pages of the others stay on disk (hack/order-agent writes agent.order). LLVM's linker supports all three. What each saves:
/// docs/decisions/0009-order-of-functions.md.
let layout = "\(Context.packageDirectory)/Sources/RollcallAgent/Layout"
let linking: [LinkerSetting] = [
  .unsafeFlags(
    ["-use-ld=lld"]
      + [
        "--no-export-dynamic", "-z", "pack-relative-relocs", "--symbol-ordering-file=\(layout)/agent.order",
        "--no-warn-symbol-ordering", "\(layout)/private-functions.ld",
      ].flatMap { ["-Xlinker", $0] }, .when(platforms: [.linux], configuration: .release))
]

/// The agent that is shipped also contains the C and C++ libraries and is still position-independent (docs/decisions/0010-static-agent.md).
/// Only hack/build-release sets `ROLLCALL_STATIC_AGENT=1`: such an executable must not have the library path that a plain `swift build`
/// adds.
let standalone: [LinkerSetting] =
  Context.environment["ROLLCALL_STATIC_AGENT"] == "1"
  ? [.unsafeFlags(["-static-executable", "-Xclang-linker", "-static-pie"], .when(platforms: [.linux], configuration: .release))] : []

// Products of other packages, each written out once.
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nioFoundationEssentials: Target.Dependency = .product(name: "NIOFoundationEssentialsCompat", package: "swift-nio")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let serviceLifecycleTestKit: Target.Dependency = .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let swiftASN1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")

/// The benchmarks of pushing and of targets use internals of Controller in a release build.
let controllerTesting: [SwiftSetting] = withBenchmarks ? [.unsafeFlags(["-enable-testing"], .when(configuration: .release))] : []

let package = Package(
  name: "rollcall",
  // Linux only: HTTPTransport uses epoll. Without a macOS version, SwiftPM would check the packages for one that is too old.
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "rollcall", targets: ["Rollcall"]),
    .executable(name: "rollcall-agent", targets: ["RollcallAgent"]),
    // The API of KubeClient contains JSON values.
    .library(name: "KubeClient", targets: ["KubeClient", "JSON"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    // No traits: our own YAML module reads configuration files, and full Foundation would triple the size of the agent.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  ],
  targets: [
    // C libraries
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
    .systemLibrary(name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
    .systemLibrary(name: "CSnappy", pkgConfig: "snappy", providers: [.apt(["libsnappy-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // Leaves: values and parsers; no I/O except what the name says
    .target(name: "Primitives", swiftSettings: settings),
    .target(name: "AsyncPrimitives", swiftSettings: settings),
    .target(name: "Protobuf", swiftSettings: settings),
    .target(name: "Roll", dependencies: ["Primitives"], swiftSettings: settings),
    .target(name: "JSON", swiftSettings: settings),
    .target(name: "ProcFS", dependencies: ["CLinux"], swiftSettings: settings),
    .target(name: "LogLines", dependencies: ["Primitives", logging], swiftSettings: settings),
    .target(name: "ProcessLimits", dependencies: ["CLinux"], swiftSettings: settings),
    .target(name: "Exposition", swiftSettings: settings),
    .target(name: "Gzip", dependencies: ["CISAL"], swiftSettings: settings),
    .target(name: "GzipZlib", dependencies: ["CZlib"], swiftSettings: settings),
    .target(name: "Relabeling", dependencies: ["CRE2", crypto], swiftSettings: settings),
    .target(name: "YAML", dependencies: ["CYAML", "JSON"], swiftSettings: settings),
    .target(name: "HTTPTransport", dependencies: ["AsyncPrimitives", "CCurl", "Gzip", "Primitives"], swiftSettings: settings),

    // Parts
    .target(
      name: "KubeClient", dependencies: ["AsyncPrimitives", "HTTPTransport", "Primitives", "JSON", "YAML", logging, subprocess],
      swiftSettings: settings),
    .target(
      name: "Collector", dependencies: ["AsyncPrimitives", "CLinux", "Exposition", "Gzip", "HTTPTransport", "JSON", "Primitives", "Roll"],
      swiftSettings: settings),
    .target(
      name: "Push", dependencies: ["AsyncPrimitives", "CSnappy", "Exposition", "HTTPTransport", "JSON", "Primitives", "Protobuf", logging],
      swiftSettings: settings),
    .target(name: "LinuxCollector", dependencies: ["Exposition", "Primitives", "ProcFS", "Roll"], swiftSettings: settings),
    .target(
      name: "ContainerRuntimes",
      dependencies: [
        "LinuxCollector", "Primitives", "ProcFS", "Protobuf", nioCore, nioFoundationEssentials, nioHPACK, nioHTTP1, nioHTTP2, nioPosix,
      ],
      swiftSettings: settings),
    .target(
      name: "Simulator",
      dependencies: [
        "AsyncPrimitives", "JSON", "Primitives", "Protobuf", "YAML", hummingbird, httpTypes, logging, nioCore, serviceLifecycle,
      ],
      swiftSettings: settings),
    .target(name: "TLSServing", dependencies: [hummingbird, logging, nioCore, nioSSL, nioTLS], swiftSettings: settings),
    .target(
      name: "Controller",
      dependencies: [
        "AsyncPrimitives", "Collector", "Exposition", "Gzip", "GzipZlib", "HTTPTransport", "JSON", "KubeClient", "LogLines",
        "Primitives", "ProcessLimits", "Push", "Relabeling", "Roll", "TLSServing", "YAML",
        crypto, httpTypes, hummingbird, logging, mustache, nioCore, nioSSL, serviceLifecycle, swiftASN1, x509,
      ],
      swiftSettings: settings + controllerTesting),

    // Executables
    .executableTarget(
      name: "Rollcall",
      dependencies: [
        "AsyncPrimitives", "Controller", "Exposition", "HTTPTransport", "JSON", "KubeClient", "LogLines", "Primitives", "ProcessLimits",
        "Roll", "Simulator", "TLSServing",
        argumentParser, hummingbird, httpTypes, logging, nioCore, nioSSL, serviceLifecycle, subprocess, unixSignals,
      ],
      swiftSettings: settings, linkerSettings: linking),
    .executableTarget(
      name: "RollcallAgent",
      dependencies: [
        "AsyncPrimitives", "CLinux", "ContainerRuntimes", "Exposition", "GzipZlib", "LinuxCollector", "LogLines", "Primitives",
        "ProcessLimits", "ProcFS", "Roll", "TLSServing",
        argumentParser, httpTypes, hummingbird, logging, nioCore, nioPosix, nioSSL, serviceLifecycle, unixSignals,
      ],
      exclude: ["Layout"], swiftSettings: settings, linkerSettings: linking + standalone),

    // Tests
    .target(name: "TestSupport", dependencies: ["CLinux", "Exposition", logging], path: "Tests/Support", swiftSettings: settings),
    .testTarget(name: "PrimitivesTests", dependencies: ["Primitives"], swiftSettings: settings),
    .testTarget(name: "LogLinesTests", dependencies: ["LogLines", "Primitives", logging], swiftSettings: settings),
    .testTarget(name: "AsyncPrimitivesTests", dependencies: ["AsyncPrimitives", "TestSupport"], swiftSettings: settings),
    .testTarget(name: "ProtobufTests", dependencies: ["Protobuf"], swiftSettings: settings),
    .testTarget(name: "RollTests", dependencies: ["Roll"], swiftSettings: settings),
    .testTarget(name: "RelabelingTests", dependencies: ["Relabeling"], swiftSettings: settings),
    .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
    .testTarget(name: "YAMLTests", dependencies: ["JSON", "Primitives", "TestSupport", "YAML"], swiftSettings: settings),
    .testTarget(name: "ProcFSTests", dependencies: ["ProcFS", "TestSupport"], exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(name: "ExpositionTests", dependencies: ["Exposition", "Primitives", "TestSupport"], swiftSettings: settings),
    .testTarget(name: "GzipTests", dependencies: ["Gzip", "GzipZlib", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "HTTPTransportTests", dependencies: ["GzipZlib", "HTTPTransport", "Primitives", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "KubeClientTests",
      dependencies: ["KubeClient", "HTTPTransport", "Primitives", "JSON", "Simulator", "TestSupport", logging],
      exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "CollectorTests",
      dependencies: ["AsyncPrimitives", "Collector", "Exposition", "HTTPTransport", "Primitives", "Roll", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "PushTests", dependencies: ["Exposition", "HTTPTransport", "JSON", "Primitives", "Push", "TestSupport", logging],
      swiftSettings: settings),
    .testTarget(
      name: "LinuxCollectorTests", dependencies: ["LinuxCollector", "Primitives", "ProcFS", "Roll", "Exposition", "TestSupport"],
      exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "ContainerRuntimesTests",
      dependencies: [
        "ContainerRuntimes", "LinuxCollector", "Primitives", "ProcFS", "Protobuf", "Roll", "TestSupport", nioCore, nioHTTP2, nioPosix,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "SimulatorTests", dependencies: ["Simulator", "JSON", "Primitives", "TestSupport", "HTTPTransport", "YAML"],
      swiftSettings: settings),
    .testTarget(
      name: "ControllerTests",
      dependencies: [
        "AsyncPrimitives", "Controller", "Collector", "Exposition", "HTTPTransport", "JSON", "KubeClient", "Primitives", "Push",
        "Relabeling",
        "Roll", "Simulator", "TestSupport", logging, serviceLifecycle, serviceLifecycleTestKit, x509,
      ],
      exclude: ["Fixtures"], swiftSettings: settings),
    .testTarget(
      name: "RollcallAgentTests",
      dependencies: [
        "RollcallAgent", "HTTPTransport", "LinuxCollector", "Primitives", "ProcFS", "Roll", "TestSupport", argumentParser, logging, nioCore,
        nioPosix,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "TLSServingTests", dependencies: ["TLSServing", logging, nioCore, nioEmbedded, nioTLS], swiftSettings: settings),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "Exposition", "HTTPTransport", "JSON", "KubeClient", "Primitives", "Relabeling", "Roll", "Simulator", "TestSupport", "Controller",
        "Rollcall", "YAML", logging, serviceLifecycle,
      ],
      swiftSettings: settings),
  ],
  cxxLanguageStandard: .cxx17
)

// One folder, built in two ways: as a test target, which mutates the seeds in Corpus/, and for libFuzzer, which provides `main`.
package.targets.append(
  withFuzzer
    ? .executableTarget(
      name: "Fuzz", dependencies: ["Exposition", "Gzip", "GzipZlib", "JSON", "KubeClient", "ProcFS", "YAML"], path: "Tests/FuzzTests",
      exclude: ["Corpus", "FuzzTests.swift"], swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
    : .testTarget(
      name: "FuzzTests",
      dependencies: ["Exposition", "Gzip", "GzipZlib", "JSON", "KubeClient", "Primitives", "ProcFS", "TestSupport", "YAML"],
      exclude: ["Corpus", "LibFuzzer.swift"], swiftSettings: settings))

// Each benchmark links only what it measures. hack/bench-* builds and runs them.
if withBenchmarks {
  package.products += [
    .executable(name: "bench-client", targets: ["ClientBenchmark"]),
    .executable(name: "bench-virtual", targets: ["VirtualBenchmark"]),
    .executable(name: "bench-push", targets: ["PushBenchmark"]),
    .executable(name: "bench-targets", targets: ["TargetsBenchmark"]),
    .executable(name: "bench-expectation", targets: ["ExpectationBenchmark"]),
    .executable(name: "bench-page", targets: ["PageBenchmark"]),
    .executable(name: "bench-targets-api", targets: ["TargetsAPIBenchmark"]),
    .executable(name: "scraped-cluster", targets: ["ScrapedClusterFixture"]),
  ]
  package.targets += [
    .target(name: "BenchmarkSupport", path: "Benchmarks/BenchmarkSupport", swiftSettings: settings),
    .target(
      name: "VirtualNodeFixture", dependencies: ["Collector", "Roll"], path: "Benchmarks/VirtualNodeFixture", swiftSettings: settings),
    .executableTarget(
      name: "ClientBenchmark", dependencies: ["BenchmarkSupport", "KubeClient", "ProcessLimits", logging],
      path: "Benchmarks/ClientBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "VirtualBenchmark",
      dependencies: ["BenchmarkSupport", "Collector", "Gzip", "HTTPTransport", "ProcessLimits", "Roll", "VirtualNodeFixture"],
      path: "Benchmarks/VirtualBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "PushBenchmark",
      dependencies: [
        "BenchmarkSupport", "Collector", "Controller", "HTTPTransport", "ProcessLimits", "Push", "VirtualNodeFixture", "Roll", logging,
      ],
      path: "Benchmarks/PushBenchmark", swiftSettings: settings),
    // Its fixture is that of the tests, by a link.
    .executableTarget(
      name: "PageBenchmark", dependencies: ["BenchmarkSupport", "Controller", "KubeClient", "Primitives", "Roll"],
      path: "Benchmarks/PageBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "TargetsAPIBenchmark", dependencies: ["BenchmarkSupport", "Controller", "HTTPTransport", "ProcessLimits"],
      path: "Benchmarks/TargetsAPIBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "TargetsBenchmark", dependencies: ["BenchmarkSupport", "Controller", "JSON", "Roll"], path: "Benchmarks/TargetsBenchmark",
      swiftSettings: settings),
    .executableTarget(
      name: "ScrapedClusterFixture", dependencies: ["JSON", "KubeClient", logging], path: "Benchmarks/ScrapedClusterFixture",
      swiftSettings: settings),
    .executableTarget(
      name: "ExpectationBenchmark", dependencies: ["BenchmarkSupport", "Controller", "JSON", "KubeClient"],
      path: "Benchmarks/ExpectationBenchmark", swiftSettings: settings),
  ]
}
