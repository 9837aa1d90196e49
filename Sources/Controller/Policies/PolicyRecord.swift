package import JSON
package import KubeClient

/// A CoveragePolicy object, with its policy or the reason why it has none.
package struct PolicyRecord: Record {
  package let key: ObjectKey
  package let resourceVersion: String
  /// `metadata.generation`, which counts the changes of the specification.
  package let generation: Int64
  package let policy: Result<CoveragePolicy, PolicyProblem>
  /// The conditions in its status, by type.
  package let conditions: [String: WrittenCondition]

  package struct WrittenCondition: Hashable, Sendable {
    package var isTrue: Bool
    package var lastTransition: String
  }

  package init(_ object: JSONValue) {
    let metadata = object["metadata"]
    key = ObjectKey(name: metadata?["name"]?.string ?? "")
    resourceVersion = metadata?["resourceVersion"]?.string ?? ""
    generation = metadata?["generation"]?.integer ?? 0
    conditions = Dictionary(
      (object["status"]?["conditions"]?.array ?? []).compactMap { condition in
        guard let type = condition["type"]?.string, let time = condition["lastTransitionTime"]?.string else { return nil }
        return (type, WrittenCondition(isTrue: condition["status"] == "True", lastTransition: time))
      }, uniquingKeysWith: { first, _ in first })
    do throws(PolicyProblem) {
      policy = .success(try CoveragePolicy(object))
    } catch {
      policy = .failure(error)
    }
  }
}

/// What the settings demand of policies.
package struct PolicySettings: Hashable, Sendable {
  /// A shorter threshold would open gaps before it is known that a watch is stale.
  package var leastThreshold: Duration

  package init(leastThreshold: Duration) {
    self.leastThreshold = leastThreshold
  }

  /// The policy, if it can be applied with these settings.
  package func checked(_ policy: CoveragePolicy) throws(PolicyProblem) -> CoveragePolicy {
    if let threshold = policy.effects.threshold, threshold < leastThreshold {
      throw PolicyProblem(
        "spec.effects.threshold",
        "\(threshold.text) is less than \(leastThreshold.text), the least that --interval and --threshold allow", reason: .thresholdTooShort
      )
    }
    return policy
  }
}

extension PolicyRecord {
  package func checked(_ settings: PolicySettings) -> Result<CoveragePolicy, PolicyProblem> {
    policy.flatMap { policy in
      do throws(PolicyProblem) {
        return .success(try settings.checked(policy))
      } catch {
        return .failure(error)
      }
    }
  }
}
