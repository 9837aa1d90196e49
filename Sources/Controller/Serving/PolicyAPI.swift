internal import AsyncPrimitives
internal import HTTPTypes
internal import Hummingbird
internal import JSON
internal import KubeClient
internal import Primitives
internal import Roll
internal import YAML

/// Policies as JSON: what became of them, and what others would change.
struct PolicyAPI {
  /// The size of a body with policies.
  static let maximumBytes = 1 << 20
  /// The number of policies in a body.
  private static let maximumPolicies = 100
  /// The number of examples of each kind of change, unless a request limits it.
  private static let defaultLimit = 20
  private static let maximumLimit = 1000

  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  // MARK: What there is

  func policies(_ request: Request) -> ServerResponse {
    if let refusal = controller.refusalWithoutLedger { return refusal }
    let parameters = request.uri.queryParameters
    if parameters["namespace"] != nil || parameters["pod"] != nil {
      return decision(namespace: parameters["namespace"].map(String.init) ?? "", pod: parameters["pod"].map(String.init) ?? "")
    }
    let policies = controller.policies
    let statuses = Dictionary(policies.statuses.map { ($0.name, $0) }) { $1 }
    let reading = controller.time.reading()
    let accepted = policies.records.filter { (try? $0.checked(policies.settings).get()) != nil }
    let order = Dictionary(policies.set.policies.enumerated().map { ($1.name, $0 + 1) }) { $1 }
    return .json([
      "state": .string(policies.state.name), "accepted": .integer(Int64(accepted.count)),
      "policies": .array(policies.records.map { Self.json($0, policies.settings, order[$0.key.name], statuses[$0.key.name], at: reading) }),
    ])
  }

  /// What policies say about one Pod.
  private func decision(namespace: String, pod name: String) -> ServerResponse {
    guard !namespace.isEmpty, !name.isEmpty else { return .problem(.badRequest, "name a Pod: ?namespace=NAMESPACE&pod=NAME") }
    guard let pod = controller.pod(namespace, name) else { return .problem(.notFound, "there is no Pod \(namespace)/\(name)") }
    return .json([
      "namespace": .string(namespace), "pod": .string(name), "policies": controller.policies.decision(on: pod).json,
    ])
  }

  private static func json(
    _ record: PolicyRecord, _ settings: PolicySettings, _ order: Int?, _ status: PolicyStatus?, at reading: ClockReading
  ) -> JSONValue {
    var json: JSONValue = ["name": .string(record.key.name), "generation": .integer(record.generation)]
    switch record.checked(settings) {
    case .failure(let problem):
      json["accepted"] = false
      json["reason"] = .string(problem.reason.rawValue)
      json["message"] = .string("\(problem)")
    case .success(let policy):
      json["accepted"] = true
      json["order"] = order.map { .integer(Int64($0)) } ?? .null
      json["priority"] = .integer(Int64(policy.priority))
      json["selects"] = .string(policy.selector.text)
      json["effects"] = .string(policy.effects.text)
    }
    guard let status else { return json }
    if status.accepted.isTrue {
      json["reason"] = .string(status.applied.reason)
      json["message"] = .string(status.applied.message)
    }
    json["containers"] = .integer(Int64(status.containers))
    json["exempt"] = .integer(Int64(status.exempt))
    json["gaps"] = .integer(Int64(status.gaps?.count ?? 0))
    json["newestProblem"] = status.gaps?.newest.problem(at: reading) ?? .null
    return json
  }

  // MARK: What would change

  /// The body is one or more CoveragePolicies, as YAML or JSON. Each counts as applied.
  func test(_ request: Request) async -> ServerResponse {
    if let refusal = controller.refusalWithoutLedger { return refusal }
    // A page of another site could send any other type without asking first.
    let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.trimmed } ?? ""
    guard ["application/yaml", "application/json"].contains(type) else {
      return .problem(.unsupportedMediaType, "send the policies as application/yaml or application/json")
    }
    var limit = Self.defaultLimit
    if let text = request.uri.queryParameters["limit"] {
      guard let number = Int(text), (0...Self.maximumLimit).contains(number) else {
        return .problem(.badRequest, "limit is a number from 0 to \(Self.maximumLimit)")
      }
      limit = number
    }
    var body: [UInt8] = []
    do {
      for try await part in request.body {
        body += Array(part.readableBytesView)
        if body.count > Self.maximumBytes {
          return .problem(.contentTooLarge, "the policies are more than \(Self.maximumBytes >> 10) KiB; test fewer at a time")
        }
      }
    } catch {
      return .problem(.badRequest, "the body cannot be read: \(error)")
    }
    guard let permit = controller.trials.permitIfFree() else {
      return .problem(.tooManyRequests, "other policies are being tested just now; try again in a minute")
    }
    defer { withExtendedLifetime(permit) {} }
    do throws(PolicyTestError) {
      return await test(try policies(in: body), limit: limit)
    } catch {
      return .problem(.badRequest, error.message)
    }
  }

  private struct PolicyTestError: Error {
    var message: String
  }

  private func policies(in body: [UInt8]) throws(PolicyTestError) -> [CoveragePolicy] {
    var objects: [JSONValue] = []
    do throws(YAMLError) {
      // JSON is YAML.
      for document in try YAMLNode.documents(parsing: body, file: "the policies") where !document.isNull {
        let object = document.jsonValue
        objects += object["kind"]?.string?.hasSuffix("List") == true ? object["items"]?.array ?? [] : [object]
      }
    } catch {
      throw PolicyTestError(message: "\(error)")
    }
    guard !objects.isEmpty else { throw PolicyTestError(message: "there is no policy in the body") }
    guard objects.count <= Self.maximumPolicies else {
      throw PolicyTestError(message: "there are \(objects.count) policies; test at most \(Self.maximumPolicies) at a time")
    }
    var policies: [CoveragePolicy] = []
    for (number, object) in objects.enumerated() {
      let name = object["metadata"]?["name"]?.string ?? ""
      let place = name.isEmpty ? "document \(number + 1)" : name
      guard object["kind"]?.string == CoveragePolicy.kind, object["apiVersion"]?.string == CoveragePolicy.apiVersion else {
        throw PolicyTestError(message: "\(place): not a \(CoveragePolicy.kind) of \(CoveragePolicy.apiVersion)")
      }
      guard !name.isEmpty else { throw PolicyTestError(message: "\(place): metadata.name is required") }
      guard !policies.contains(where: { $0.name == name }) else { throw PolicyTestError(message: "\(name): is there twice") }
      do throws(PolicyProblem) {
        policies.append(try controller.policies.settings.checked(try CoveragePolicy(object)))
      } catch {
        throw PolicyTestError(message: "\(name): \(error)")
      }
    }
    return policies
  }

  private func test(_ policies: [CoveragePolicy], limit: Int) async -> ServerResponse {
    let current = controller.policies.set
    let tried = current.replacing(policies, namespaces: controller.policies.namespaceLabels)
    guard
      let changes = try? await controller.trial().changes(
        from: current, to: tried, tried: Set(policies.map(\.name)), limit: limit, at: controller.time.reading())
    else { return .problem(.serviceUnavailable, "the controller stops") }
    return .json([
      "changes": .bool(!changes.isEmpty), "exemptsEverything": .bool(changes.leavesNothing),
      "policies": .array(
        policies.map { policy in
          let selected = changes.selected[policy.name] ?? (0, 0)
          let same = current[policy.name]
          return [
            "name": .string(policy.name), "state": .string(same == nil ? "new" : same == policy ? "unchanged" : "changed"),
            "order": (tried.policies.firstIndex { $0.name == policy.name }).map { .integer(Int64($0 + 1)) } ?? .null,
            "containers": .integer(Int64(selected.containers)), "overridden": .integer(Int64(selected.overridden)),
          ]
        }),
      "kinds": .object(
        JSONObject(
          changes.kinds.map { name, kind in
            (
              name,
              [
                "count": .integer(Int64(kind.count)),
                "examples": .array(
                  kind.examples.map { container, text in
                    [
                      "namespace": .string(container.namespace), "pod": .string(container.pod), "container": .string(container.container),
                      "text": .string(text),
                    ]
                  }),
              ]
            )
          })),
    ])
  }
}

extension PolicyWatch.State {
  /// The state's name in the API.
  var name: String {
    switch self {
    case .ready: "ready"
    case .absent: "absent"
    case .forbidden: "forbidden"
    case .waiting: "waiting"
    }
  }
}

extension Substring {
  fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()).lowercased() }
}

extension PolicyDecision {
  /// For `/api/v1/explain`.
  var json: JSONValue {
    func decided<Value>(_ decided: Decided<Value>?, _ text: (Value) -> String) -> JSONValue {
      decided.map { ["value": .string(text($0.value)), "policy": .string($0.policy)] } ?? .null
    }
    var collection = decided(collection) { $0 == .required ? "Required" : "Exempt" }
    if let exemption { collection["reason"] = .string(exemption.reason) }
    return [
      "selectedBy": .array(policies.map { .string($0) }), "collection": collection, "threshold": decided(threshold, \.text),
      "grace": decided(grace, \.text), "scraping": decided(scraping, \.rawValue), "severity": decided(severity) { $0 },
      "labels": .object(JSONObject(labels.map { ($0.key, decided($0.value) { $0 }) })),
    ]
  }
}
