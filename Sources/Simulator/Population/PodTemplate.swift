import JSON

/// The template of the pods of a population: two containers, with the size and the variety of real workloads.
struct PodTemplate: Sendable {
  /// The creation time, in RFC 3339.
  var created: String
  /// The length of an annotation that brings the pod to the configured size.
  var padding = 0

  static let containerNames = ["app", "sidecar"]

  /// Creates a template whose running pods have this size in protobuf, or their minimum size if that is larger.
  init(created: String, bytes: Int) {
    self.created = created
    // The length prefixes grow with the text, so the later passes correct the first.
    for _ in 0..<3 {
      let size = ProtobufEncoder.encode(object(isWaiting: false, restarts: 0), as: .pod).count
      padding = max(0, padding + bytes - size)
    }
  }

  /// - Parameter isWaiting: whether the first container has exited and waits for its restart.
  func object(isWaiting: Bool, restarts: Int) -> JSONValue {
    [
      "metadata": metadata, "spec": specification, "status": status(isWaiting: isWaiting, restarts: restarts),
    ]
  }

  // MARK: Metadata

  private var workload: String { PatternField.workload.placeholder }
  private var replicaSet: String { "\(workload)-\(PatternField.revision.placeholder)" }

  private var metadata: JSONValue {
    [
      "name": .string("\(replicaSet)-\(PatternField.suffix.placeholder)"), "generateName": .string("\(replicaSet)-"),
      "namespace": .string(PatternField.namespace.placeholder), "uid": .string(PatternField.uid.placeholder),
      "resourceVersion": .string(PatternField.version.placeholder), "creationTimestamp": .string(created),
      "labels": [
        "app.kubernetes.io/name": .string(workload), "app.kubernetes.io/component": "backend", "app.kubernetes.io/managed-by": "Helm",
        "pod-template-hash": .string(PatternField.revision.placeholder),
      ],
      "annotations": [
        "prometheus.io/scrape": "true", "prometheus.io/port": "8080", "checksum/config": .string(String(repeating: "9f3c", count: 16)),
        "example.com/build-notes": .string(String(repeating: "no changes since. ", count: padding / 18 + 1).prefix(padding).description),
      ],
      "ownerReferences": [
        [
          "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": .string(replicaSet), "uid": .string(PatternField.ownerUID.placeholder),
          "controller": true, "blockOwnerDeletion": true,
        ]
      ],
      "managedFields": [
        managedFields("kube-controller-manager", subresource: nil, of: ["metadata": metadataFields, "spec": specificationFields]),
        managedFields("kubelet", subresource: "status", of: ["status": statusFields]),
      ],
    ]
  }

  private func managedFields(_ manager: String, subresource: String?, of parts: [String: [String]]) -> JSONValue {
    let fields = parts.map { name, paths in
      ("f:" + name, JSONValue.object(JSONObject(paths.map { ($0, [:]) })))
    }
    var entry: JSONValue = [
      "manager": .string(manager), "operation": "Update", "apiVersion": "v1", "time": .string(created), "fieldsType": "FieldsV1",
      "fieldsV1": .object(JSONObject(fields)),
    ]
    if let subresource { entry["subresource"] = .string(subresource) }
    return entry
  }

  private let metadataFields = ["f:generateName", "f:labels", "f:annotations", "f:ownerReferences"]
  private let specificationFields =
    ["f:dnsPolicy", "f:enableServiceLinks", "f:restartPolicy", "f:schedulerName", "f:securityContext", "f:serviceAccountName", "f:volumes"]
    + containerNames.map { "k:{\"name\":\"\($0)\"}" }
  private let statusFields = ["f:conditions", "f:containerStatuses", "f:hostIP", "f:phase", "f:podIP", "f:podIPs", "f:startTime"]

  // MARK: Specification

  private var specification: JSONValue {
    [
      "nodeName": .string("worker-\(PatternField.node.placeholder)"), "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
      "schedulerName": "default-scheduler", "serviceAccountName": .string(workload), "serviceAccount": .string(workload),
      "terminationGracePeriodSeconds": 30, "enableServiceLinks": true, "priority": 0, "preemptionPolicy": "PreemptLowerPriority",
      "nodeSelector": ["kubernetes.io/os": "windows"], "securityContext": ["windowsOptions": ["runAsUserName": "ContainerUser"]],
      "containers": [container("app", port: 8080), container("sidecar", port: 15_020)],
      "volumes": [
        ["name": "config", "configMap": ["name": .string("\(workload)-config"), "defaultMode": 420]],
        ["name": "credentials", "secret": ["secretName": .string("\(workload)-credentials"), "defaultMode": 256]],
        ["name": "scratch", "emptyDir": ["sizeLimit": "1Gi"]],
        ["name": "kube-api-access-7x2kq", "projected": projectedToken],
      ],
      "tolerations": [
        ["key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300],
        ["key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300],
        ["key": "os", "operator": "Equal", "value": "windows", "effect": "NoSchedule"],
      ],
      "affinity": [
        "podAntiAffinity": [
          "preferredDuringSchedulingIgnoredDuringExecution": [
            [
              "weight": 100,
              "podAffinityTerm": [
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": ["matchLabels": ["app.kubernetes.io/name": .string(workload)]],
              ],
            ]
          ]
        ]
      ],
    ]
  }

  private var projectedToken: JSONValue {
    [
      "defaultMode": 420,
      "sources": [
        ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
        ["configMap": ["name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]]]],
        ["downwardAPI": ["items": [["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]]]],
      ],
    ]
  }

  private func container(_ name: String, port: Int64) -> JSONValue {
    func probe(_ path: String, every seconds: Int64) -> JSONValue {
      [
        "httpGet": ["path": .string(path), "port": "http", "scheme": "HTTP"], "initialDelaySeconds": 5, "timeoutSeconds": 2,
        "periodSeconds": .integer(seconds), "successThreshold": 1, "failureThreshold": 3,
      ]
    }
    return [
      "name": .string(name), "image": .string(image(name)), "imagePullPolicy": "IfNotPresent",
      "args": ["--listen", .string(":\(port)"), "--log-format", "json"],
      "ports": [["name": "http", "containerPort": .integer(port), "protocol": "TCP"]],
      "env": [
        ["name": "POD_NAME", "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.name"]]],
        ["name": "POD_NAMESPACE", "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]],
        ["name": "DATABASE_PASSWORD", "valueFrom": ["secretKeyRef": ["name": .string("\(workload)-credentials"), "key": "password"]]],
        ["name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector.observability.svc.cluster.local:4317"],
      ],
      "resources": ["requests": ["cpu": "100m", "memory": "256Mi"], "limits": ["cpu": "2", "memory": "1Gi"]],
      "volumeMounts": [
        ["name": "config", "mountPath": "/etc/app", "readOnly": true], ["name": "scratch", "mountPath": "/var/tmp"],
        ["name": "kube-api-access-7x2kq", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true],
      ],
      "livenessProbe": probe("/livez", every: 10), "readinessProbe": probe("/readyz", every: 5),
      "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    ]
  }

  private func image(_ name: String) -> String { "registry.example.com/\(workload)/\(name):2026.11.4" }

  // MARK: Status

  private func status(isWaiting: Bool, restarts: Int) -> JSONValue {
    let address: JSONValue = .string(PatternField.podAddress.placeholder)
    let ready: JSONValue = isWaiting ? "False" : "True"
    let conditions: [JSONValue] = [
      ("PodReadyToStartContainers", "True"), ("Initialized", "True"), ("Ready", ready), ("ContainersReady", ready),
      ("PodScheduled", "True"),
    ].map { type, status in
      ["type": .string(type), "status": status, "lastProbeTime": nil, "lastTransitionTime": .string(created)]
    }
    return [
      "phase": "Running", "hostIP": .string(PatternField.nodeAddress.placeholder),
      "hostIPs": [["ip": .string(PatternField.nodeAddress.placeholder)]], "podIP": address, "podIPs": [["ip": address]],
      "startTime": .string(created), "qosClass": "Burstable", "conditions": .array(conditions),
      "containerStatuses": [
        containerStatus("app", .firstContainer, isWaiting: isWaiting, restarts: restarts),
        containerStatus("sidecar", .secondContainer, isWaiting: false, restarts: 0),
      ],
    ]
  }

  private func containerStatus(_ name: String, _ id: PatternField, isWaiting: Bool, restarts: Int) -> JSONValue {
    var status: JSONValue = [
      "name": .string(name), "image": .string(image(name)),
      "imageID": .string("registry.example.com/team/\(name)@sha256:\(String(repeating: "a7", count: 32))"),
      "containerID": .string("containerd://\(id.placeholder)"), "ready": .bool(!isWaiting), "started": .bool(!isWaiting),
      "restartCount": .integer(Int64(restarts)),
      "state": isWaiting
        ? ["waiting": ["reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"]]
        : ["running": ["startedAt": .string(created)]],
    ]
    if isWaiting || restarts > 0 {
      status["lastState"] = [
        "terminated": [
          "exitCode": 1, "reason": "Error", "startedAt": .string(created), "finishedAt": .string(created),
          "containerID": .string("containerd://\(PatternField.endedContainer.placeholder)"),
        ]
      ]
    }
    return status
  }
}
