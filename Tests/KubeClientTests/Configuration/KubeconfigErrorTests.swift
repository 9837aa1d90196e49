import Testing

@testable import KubeClient

@Suite struct KubeconfigErrorTests {
  let directory: ConfigurationDirectory

  init() throws { directory = try ConfigurationDirectory() }

  private func failure(_ text: String, context: String? = nil) throws -> ConfigurationError {
    let path = try directory.write("config", text)
    return try #require(throws: ConfigurationError.self) { try directory.load(kubeconfig: path, context: context) }
  }

  @Test(arguments: [
    ("a: [1", 2, 1, "invalid YAML"),
    ("clusters:\n- name: a\n  name: b\n", 3, 3, "duplicate key \"name\""),
    ("clusters: {a: b}\n", 1, 11, "a sequence"),
    ("clusters:\n- cluster: {server: x}\n", 2, 3, "name is missing"),
    ("clusters:\n- {name: a, cluster: https://h}\n", 2, 22, "a mapping"),
    ("clusters:\n- name: a\n- name: a\n", 3, 3, "duplicate cluster \"a\", first in line 2"),
    ("kind: Pod\n", 1, 7, "kind is not Config"),
    ("kind: Config\napiVersion: v1beta1\n", 2, 13, "apiVersion of the kubeconfig is not v1"),
    ("just text\n", 1, 1, "a mapping"),
    ("a: 1\n--- b\n", 2, 5, "second document"),
  ])
  func `malformed files`(text: String, line: Int, column: Int, reason: String) throws {
    let error = try failure(text)
    #expect(error.description.hasPrefix("\(directory.path)/config:\(line):\(column): "), "\(error)")
    #expect(error.description.contains(reason), "\(error)")
  }

  @Test func `R25: an alias bomb is an error with its location`() throws {
    let bomb = (0...9).map { level in
      level == 0 ? "a0: &a0 x" : "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]"
    }.joined(separator: "\n")
    #expect(try failure(bomb).description.hasPrefix("\(directory.path)/config:7:"))
  }

  @Test(
    arguments: [
      (
        "cluster: c, user: u", "cluster: gone, user: u", nil, "11: context \"main\": it refers to cluster \"gone\"",
        "use another one (available: c)"
      ),
      (
        "cluster: c, user: u", "cluster: c, user: gone", nil, "11: context \"main\": it refers to user \"gone\"",
        "use another one (available: u)"
      ),
      ("cluster: c, user: u", "user: u", nil, "11: context \"main\": it names no cluster", "add cluster:"),
      (
        "current-context: main", "current-context: gone", nil, "contexts: there is no context \"gone\", the current-context",
        "(available: main)"
      ),
      ("current-context: main", "current-context: ''", nil, "no current-context is set", "name a context (available: main)"),
      ("main", "main", "gone", "there is no context \"gone\", the context asked for", "(available: main)"),
      ("{server: https://10.0.0.1:6443}", "{}", nil, "5: cluster \"c\": it has no server", "add server"),
    ])
  func `R24: dangling names`(old: String, new: String, context: String?, reason: String, remedy: String) throws {
    let error = try failure(kubeconfig().replacing(old, with: new), context: context)
    #expect(error.description.hasPrefix("\(directory.path)/config:"), "\(error)")
    #expect(error.description.contains(reason), "\(error)")
    #expect(error.description.contains(remedy), "\(error)")
  }

  @Test(
    arguments: [
      (
        "server: https://h, insecure-skip-tls-verify: true, certificate-authority-data: LS0tLS1CRUdJTiA=",
        "5: cluster \"c\": a certificate authority and"
      ),
      (
        "server: https://h, insecure-skip-tls-verify: yes",
        "6: cluster \"c\": insecure-skip-tls-verify cannot be read: expected true or false, found \"yes\""
      ),
      ("server: https://h, certificate-authority-data: '***'", "6: cluster \"c\": certificate-authority-data is not base64"),
      ("server: https://h, certificate-authority-data: AAAA", "6: cluster \"c\": certificate-authority-data is not PEM"),
      ("server: https://h, certificate-authority: gone.crt", "gone.crt (certificate-authority of"),
      (
        "server: https://h, certificate-authority: /dev/null", "6: cluster \"c\": certificate-authority refers to a file that is not PEM"
      ),
      ("server: https://h, proxy-url: 'ftp://p:1'", "6: cluster \"c\": proxy-url is not a URL"),
      ("server: https://h, proxy-url: 'socks5://'", "6: cluster \"c\": proxy-url is not a URL"),
      ("server: [a]", "6: cluster \"c\": server cannot be read: expected text, found a sequence"),
      ("server: 'ftp://h:6443'", "5: cluster \"c\": the server's URL does not start with https"),
      ("server: 'h:6443/prefix'", "6: cluster \"c\": server has a path and no scheme"),
      ("server: 'me:pw@h'", "5: cluster \"c\": the server's URL holds a user"),
      ("server: 'https:///x'", "5: cluster \"c\": the server's URL names no host"),
      ("server: 'https://me:pw@h'", "5: cluster \"c\": the server's URL holds a user"),
      ("server: 'https://h?x'", "5: cluster \"c\": the server's URL has a query"),
    ])
  func `R24: unusable clusters`(cluster: String, reason: String) throws {
    let error = try failure(kubeconfig(cluster: cluster))
    #expect(error.description.contains("\(directory.path)/config:"), "\(error)")
    #expect(error.description.contains(reason), "\(error)")
  }

  @Test(arguments: [
    ("exec: {args: [x]}", "9: user \"u\": exec names no command"),
    ("exec: aws", "9: user \"u\": exec cannot be read: expected a mapping (key: value), found text"),
    ("exec: {command: aws}", "8: user \"u\": its exec has no apiVersion"),
    ("exec: {command: aws, apiVersion: client.authentication.k8s.io/v1alpha1}", "9: user \"u\": apiVersion of exec, "),
    ("exec: {command: aws, apiVersion: client.authentication.k8s.io/v1}", "8: user \"u\": its exec has no interactiveMode"),
    (
      "exec: {command: aws, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}",
      "9: user \"u\": interactiveMode of exec is Always, but this program has no terminal"
    ),
    (
      "exec: {command: aws, apiVersion: client.authentication.k8s.io/v1, interactiveMode: never}",
      "9: user \"u\": interactiveMode of exec is \"never\", which is unknown"
    ),
    (
      "exec: {command: aws, apiVersion: client.authentication.k8s.io/v1beta1, env: [A]}",
      "9: user \"u\": env cannot be read: expected a mapping (key: value), found text"
    ),
    (
      "exec: {command: aws, apiVersion: client.authentication.k8s.io/v1beta1, env: [{value: x}]}",
      "9: user \"u\": env cannot be read: name is missing"
    ),
    (
      "exec: {command: aws, apiVersion: client.authentication.k8s.io/v1beta1, env: [{name: '', value: x}]}",
      "9: user \"u\": env cannot be read: the name of a variable is empty"
    ),
    ("auth-provider: {name: gcp}", "9: user \"u\": auth-provider is not supported"),
    ("token: t, username: me", "9: user \"u\": username conflicts with the token"),
    ("client-certificate-data: LS0tLS1CRUdJTiA=", "8: user \"u\": a client certificate without its key"),
    ("client-key-data: LS0tLS1CRUdJTiA=", "8: user \"u\": a client key without its certificate"),
    ("tokenFile: gone", "gone (tokenFile of"),
    ("as-groups: [g]", "8: user \"u\": it impersonates"),
    ("as: jane, as-groups: g", "9: user \"u\": as-groups cannot be read: expected a sequence (lines that begin with -), found text"),
    ("token: \"a\\nb\"", "8: user \"u\": a token or an impersonated name contains a line break"),
    ("as: \"a\\r\\nX: y\"", "8: user \"u\": a token or an impersonated name contains a line break"),
  ])
  func `unusable users`(user: String, reason: String) throws {
    let error = try failure(kubeconfig(user: user))
    #expect(error.description.contains("\(directory.path)/config:"), "\(error)")
    #expect(error.description.contains(reason), "\(error)")
  }

  @Test(
    arguments: [
      "token: t", "username: me, password: pw", "client-certificate-data: LS0tLS1CRUdJTiA=, client-key-data: LS0tLS1CRUdJTiA=",
    ])
  func `R26: credentials are never sent over plain HTTP`(user: String) throws {
    let error = try failure(kubeconfig(cluster: "server: HTTP://127.0.0.1:8001", user: user))
    #expect(error.description.contains("user \"u\": its credentials would be sent over plain http"))
    let plain = try failure(kubeconfig(cluster: "server: '127.0.0.1:8001'", user: "token: t"))
    #expect(plain.description.contains("user \"u\": its credentials would be sent over plain http to http://127.0.0.1:8001"))
    let path = try directory.write("anonymous", kubeconfig(cluster: "server: http://127.0.0.1:8001", user: ""))
    #expect(try directory.load(kubeconfig: path).server == "http://127.0.0.1:8001")
  }

  @Test(
    arguments: [
      kubeconfig(user: "token: hunter2, tokenFile: gone, username: hunter2, password: hunter2"),
      kubeconfig(cluster: "server: https://h, proxy-url: 'ftp://me:hunter2@p'"),
      kubeconfig(cluster: "server: 'https://me:hunter2@h'"),
      kubeconfig(cluster: "server: https://h, certificate-authority-data: 'hunter2!'"),
      kubeconfig(user: "client-key-data: hunter2="),
      "users:\n- name: u\n  user: hunter2\n",
      "users:\n- name: u\n  user: {token: hunter2\n",
    ])
  func `R26: errors contain no secrets`(text: String) throws {
    let error = try failure(text)
    #expect(!"\(error)".contains("hunter2"), "\(error)")
    #expect(!String(reflecting: error).contains("hunter2"))
  }
}
