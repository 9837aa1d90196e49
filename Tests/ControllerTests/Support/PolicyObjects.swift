import JSON

@testable import Controller

/// A CoveragePolicy object.
func policyObject(_ name: String, priority: Int64? = nil, _ selector: JSONValue, _ effects: JSONValue, generation: Int64 = 1) -> JSONValue {
  var spec: JSONValue = ["selector": selector, "effects": effects]
  spec["priority"] = priority.map { .integer($0) }
  return [
    "apiVersion": "rollcall.dev/v1alpha1", "kind": "CoveragePolicy",
    "metadata": ["name": .string(name), "generation": .integer(generation)], "spec": spec,
  ]
}

func policy(_ name: String, priority: Int64? = nil, _ selector: JSONValue, _ effects: JSONValue) throws -> CoveragePolicy {
  try CoveragePolicy(policyObject(name, priority: priority, selector, effects))
}

let exempt: JSONValue = ["collection": "Exempt", "reason": "nobody looks at it"]
