import JSON
import Testing

@testable import Controller

@Suite struct MetricNamesTests {
  @Test(arguments: [
    ("up", ["up"]),
    ("up == 0", ["up"]),
    (#"rate(http_requests_total{job="api", code!~"2.."}[5m]) > 0.5"#, ["http_requests_total"]),
    ("sum by (namespace, pod) (rate(a_total[1m])) / on (pod) group_left (node) b:rate5m", ["a_total", "b:rate5m"]),
    ("sum(a) by (b) + sum without (c) (d)", ["a", "d"]),
    ("topk(3, x) or y unless on (z) w and ignoring (q) v", ["x", "y", "w", "v"]),
    (#"{__name__="one", job="x"} + {job="y"} + {__name__=~"two|three"}"#, ["one"]),
    (#"{"with.dot", job="x"} + {"label"="value", "other"}"#, ["with.dot", "other"]),
    (#"absent(gone{job="x"}) or absent_over_time(away[5m]) or here"#, ["here"]),
    (#"absent(sum(gone{a=")"})) == 1 or here"#, ["here"]),
    ("max_over_time(rate(a[5m])[1h:1m] offset 1d) @ end()", ["a"]),
    ("a offset -5m + 0x1F * 1e-5 + .5 - Inf + NaN", ["a"]),
    ("# a comment with names\na # another\n+ b", ["a", "b"]),
    (#"label_replace(a, "dst", "$1", "src", "(.*)") == bool 1"#, ["a"]),
    ("count + sum > max", ["count", "sum", "max"]),
    (#"a{x="} b{"} + c{y='\'d'}"#, ["a", "c"]),
    ("vector(1) or time() > scalar(s)", ["s"]),
    ("histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m])))", ["h_bucket"]),
    ("", []), ("{", []), ("absent(", []), (#"a{b="#, ["a"]), (#"{__name__="#, []),
  ])
  func `R120: the metrics of an expression are found without a parser`(expression: String, names: [String]) {
    #expect(MetricNames.inExpression(expression) == Set(names), "\(expression)")
  }

  @Test func `R120: the metrics of a syntax tree are those of its selectors, without those that are to be absent`() throws {
    // As Prometheus 3 answers for: sum by (job) (rate(a[5m])) / {__name__="b"} or absent(c) or {__name__=~"d.*"}
    let selector = { (name: String, type: String, operation: String) -> JSONValue in
      [
        "type": .string(type), "name": .string(name),
        "matchers": [["name": "__name__", "type": .string(operation), "value": .string(name)]],
      ]
    }
    let tree: JSONValue = [
      "type": "binaryExpr", "op": "or", "matching": ["card": "many-to-many", "labels": []],
      "lhs": [
        "type": "binaryExpr", "op": "/",
        "lhs": [
          "type": "aggregation", "op": "sum", "grouping": ["job"], "param": nil,
          "expr": ["type": "call", "func": ["name": "rate"], "args": [selector("a", "matrixSelector", "=")]],
        ],
        "rhs": ["type": "parenExpr", "expr": selector("b", "vectorSelector", "=")],
      ],
      "rhs": [
        "type": "binaryExpr", "op": "or", "rhs": selector("d.*", "vectorSelector", "=~"),
        "lhs": ["type": "call", "func": ["name": "absent"], "args": [selector("c", "vectorSelector", "=")]],
      ],
    ]
    #expect(MetricNames.inSyntaxTree(tree) == ["a", "b"])
  }

  @Test func `R120: the rules of an object have group, name and kind`() {
    let object: JSONValue = [
      "metadata": ["namespace": "shop", "name": "web"],
      "spec": [
        "groups": [
          [
            "name": "one",
            "rules": [["alert": "Down", "expr": "up == 0"], ["record": "x:y", "expr": "sum(z)"], ["alert": "Number", "expr": 1]],
          ],
          ["name": "empty"],
        ]
      ],
    ]
    #expect(
      RuleReference.rules(of: object) == [
        RuleReference(namespace: "shop", object: "web", group: "one", kind: .alert, name: "Down", expression: "up == 0"),
        RuleReference(namespace: "shop", object: "web", group: "one", kind: .record, name: "x:y", expression: "sum(z)"),
      ])
    #expect(RuleReference.rules(of: [:]).isEmpty)
  }
}
