internal import Primitives

/// What created a Pod: the object that a user knows and edits.
///
/// It is derived from the Pod alone: the Deployment from the ReplicaSet that owns the Pod and the label `pod-template-hash`, the CronJob
/// from the name of the Job. Any other workload is the owner with `controller: true`.
public struct Workload: Hashable, Sendable {
  /// For example `Deployment`, or the kind of a custom resource.
  public let kind: String
  public let name: String

  public init(kind: String, name: String) {
    self.kind = kind
    self.name = name
  }
}

extension Workload: CustomStringConvertible {
  public var description: String { "\(kind)/\(name)" }
}

/// A workload before packing.
struct WorkloadBuilder {
  var kind: String
  /// A range in a buffer.
  var name: Range<Int>

  static let templateHashLabel = "pod-template-hash"

  /// The highest date that a Job's name may end in, as in `report-20251231`. A CronJob's Jobs end in the minutes since 1970 at which they
  /// were due, which have passed this number in 2019.
  private static let highestDate = 25_991_231

  init(kind: String, name: Range<Int>) {
    self.kind = kind
    self.name = name
  }

  /// - Parameters:
  ///   - controller: kind and name of the owner that controls the Pod; `nil` without one.
  ///   - templateHash: the value of the label `pod-template-hash`.
  /// - Returns: `nil` without a controller, and for a static Pod, which its Node owns.
  ///
  /// Source: `getReplicaSetName` in pkg/controller/deployment/sync.go (`<deployment>-<hash>`), `getJobName` in
  /// pkg/controller/cronjob/cronjob_controllerv2.go (`<cron job>-<minutes>`), and pkg/kubelet/config/common.go in k8s.io/kubernetes.
  init?(controller: TextPair?, templateHash: Range<Int>, in bytes: RawSpan) {
    guard let controller, !controller.value.isEmpty else { return nil }
    self.init(kind: bytes.text(controller.key), name: controller.value)
    switch kind {
    case "", "Node": return nil
    case "ReplicaSet":
      let end = name.upperBound - templateHash.count
      guard !templateHash.isEmpty, end - 1 > name.lowerBound, compare(end..<name.upperBound, templateHash, in: bytes) == 0 else { return }
      cut("Deployment", before: end, in: bytes)
    case "Job":
      let end = name.upperBound - 8
      guard end - 1 > name.lowerBound, let minutes = Int(bytes.text(end..<name.upperBound)), minutes > Self.highestDate else { return }
      cut("CronJob", before: end, in: bytes)
    default: break
    }
  }

  /// Becomes the workload of this kind whose name ends with a hyphen before `end`.
  private mutating func cut(_ kind: String, before end: Int, in bytes: RawSpan) {
    guard bytes.unsafeLoad(fromByteOffset: end - 1, as: UInt8.self) == UInt8(ascii: "-") else { return }
    self.kind = kind
    name = name.lowerBound..<(end - 1)
  }
}
