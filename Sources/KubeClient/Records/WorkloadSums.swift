package import Primitives

/// Adds up a number over the Pods of each workload.
///
/// The names of a workload are read once for each piece of memory that its Pods share (`PodRecord.Header.common`), not once for each Pod.
package struct WorkloadSums {
  package struct Sum: Hashable, Sendable {
    package var namespace: String
    /// `nil` for all Pods of the namespace that have none.
    package var workload: Workload?
    package var count: Int

    package init(namespace: String, workload: Workload?, count: Int) {
      self.namespace = namespace
      self.workload = workload
      self.count = count
    }
  }

  private struct Key: Hashable {
    var namespace: ObjectIdentifier
    var common: ObjectIdentifier?
  }

  /// Keeps the names alive, so that no other name takes their place in memory meanwhile.
  private struct Group {
    var namespace: Name
    var pod: PodRecord?
    var count: Int
  }

  private struct NamespacedWorkload: Hashable {
    var namespace: String
    var workload: Workload?
  }

  private var groups: [Group] = []
  private var indices: [Key: Int] = [:]

  package init() {}

  /// - Parameter pod: `nil` if its record is not known; it then counts as one without a workload.
  package mutating func add(_ count: Int, of pod: PodRecord?, in namespace: Name) {
    let key = Key(namespace: namespace.memory, common: pod?.storage.header.common?.memory)
    if let index = indices[key] {
      groups[index].count += count
    } else {
      indices[key] = groups.count
      groups.append(Group(namespace: namespace, pod: key.common == nil ? nil : pod, count: count))
    }
  }

  /// One for each workload, in no particular order.
  package func sums() -> [Sum] {
    var counts: [NamespacedWorkload: Int] = [:]
    for group in groups {
      counts[NamespacedWorkload(namespace: group.namespace.description, workload: group.pod?.workload), default: 0] += group.count
    }
    return counts.map { Sum(namespace: $0.key.namespace, workload: $0.key.workload, count: $0.value) }
  }
}
