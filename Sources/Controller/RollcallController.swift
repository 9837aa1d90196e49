internal import Collector
internal import HTTPTransport
internal import KubeClient
package import Logging
internal import Primitives
internal import Roll
package import ServiceLifecycle

/// The controller. Creates its parts and connects them.
///
///     let controller = try RollcallController(settings: settings, environment: environment, version: "…", logger: logger)
///     try await ServiceGroup(services: controller.services, …).run()
package final class RollcallController: Sendable {
  /// In start order. The service group stops them in reverse order.
  package var services: [any Service] { [push, relay, server, core] }

  let push: PushService
  let relay: NodeRelay
  let server: ControllerServer
  let core: ControllerCore

  /// - Parameters:
  ///   - collectors: replaces the real collectors in tests.
  /// - Throws: `ControllerError` for permanent problems. An unreachable API server is not one.
  package init(
    settings: ControllerSettings, environment: [String: String], version: String, time: any TimeSource = SystemTime(),
    collectors: NodeCollectors? = nil, logger: Logger
  ) throws(ControllerError) {
    try settings.checkHeadersFiles()
    let shard = try settings.nodeShard(environment: environment)

    // State shared by several parts.
    let rolls = RollStore()
    let ledger = LedgerStore(threshold: settings.threshold)
    let counters = CollectionCounters()
    let exporters = ExporterStatusStore()
    let shutdown = ShutdownState()

    let cluster = try Cluster(
      settings: settings.cluster, selection: { settings.podSelection(of: shard, namespace: $0, environment: environment) },
      environment: environment, logger: logger)
    let policies = PolicyWatch(
      client: cluster.client, namespaces: cluster.exemptions.namespaces.store, settings: settings.policies, time: time, logger: logger)
    let leadership = try Leadership(
      settings: settings.leadership, lease: ObjectNames.name(ObjectNames.lease, of: shard.index), cluster: cluster,
      environment: environment, logger: logger)
    // Objects that are not a shard's own are written by the leader of the first.
    let writesShared: @Sendable () -> Bool = { shard.index == 0 && leadership.isLeader }
    let otherShards = ShardLeases(shard: shard, client: cluster.client, namespace: cluster.namespace, time: time, logger: logger)
    let leaders = LeaderAddresses(
      shard: shard, leadership: leadership, others: otherShards, cluster: cluster, own: settings.servingAddress)
    let portCertificates =
      settings.listenTLS == .on && settings.listenTLSFolder == nil
      ? PortCertificates(names: settings.portNames(namespace: cluster.namespace), logger: logger) : nil
    let certificates = CertificateManager(
      client: cluster.client, namespace: cluster.namespace, agentNamespace: cluster.agentNamespace, port: portCertificates, time: time,
      logger: logger, isLeading: writesShared)
    let tls: PortTLS? =
      switch (settings.listenTLS, settings.listenTLSFolder) {
      case (.off, _): nil
      case (.on, let folder?): PortTLS(logger: logger, certificate: PortTLS.files(in: folder))
      case (.on, nil): PortTLS(logger: logger) { portCertificates?.current }
      }
    let access = AccessControl(reviews: AccessReviews(client: cluster.client), time: time, logger: logger)
    let push = try PushService(settings: settings.push(environment: environment), transport: .make(), time: time, logger: logger)

    let probeTransport = try HTTPTransport.make(maximumTransfers: settings.maximumProbes)
    let summary = SummarySource(settings: settings.summary, client: cluster.client, transport: probeTransport) {
      cluster.node($0)?.kubeletPort
    }
    let relay = NodeRelay(
      settings: settings.relay, transport: probeTransport, summary: summary, annotations: cluster.annotations(ofNode:),
      isOnHostNetwork: { cluster.pod(namespace: $0, name: $1)?.hostNetwork == true }, names: cluster.containerNames(onNode:))
    let transport = try NodeTransport(settings: settings.nodes, logger: logger)
    let virtual = VirtualCollector(
      transport: transport.http, settings: settings.nodes.virtual,
      endpoints: VirtualEndpointOverrides(limits: settings.annotationLimits, node: cluster.node) {
        cluster.pod(namespace: $0, name: $1)?.annotations ?? [:]
      },
      images: { cluster.pod(namespace: $0.namespace, name: $0.pod)?.images ?? [:] }, sink: push.virtualNodes)
    let targets = CurrentTargets(
      rolls: rolls, exporters: exporters, endpoints: settings.endpoints, shard: shard, virtualAddresses: { leaders.all })
    let coverage = ScrapeCoverage(
      settings: settings.coverage, client: cluster.client,
      transport: settings.scrapeCoverage == .off ? probeTransport : try .make(), pods: cluster.pods.store,
      namespaces: cluster.exemptions.namespaces, rolls: rolls, ledger: ledger, targets: targets, time: time, logger: logger)
    let tasks = NodeTaskManager(
      rolls: rolls, ledger: ledger, counters: counters,
      collectors: collectors
        ?? NodeCollectors(
          settings: settings.nodes, transport: transport, nodeCount: { rolls.nodeCount }, virtual: virtual, exporters: exporters,
          summary: summary, annotations: cluster.annotations(ofNode:), logger: logger, tls: { certificates.tls },
          sockets: push.takeSockets),
      pace: .init(interval: settings.interval, maximumCalls: settings.maximumCalls), time: time, lastScrape: coverage.lastScrape(of:))

    let alerts = AlertmanagerSender(
      settings: settings.alerts(of: shard), transport: try .make(), time: time, logger: logger, maySend: { leadership.isUpToDate },
      gaps: { ledger.snapshot().gapsOfNodes(at: $0) },
      workload: cluster.workload(of:))
    let updater = RollUpdater(
      nodes: cluster.nodes.store, pods: cluster.pods.store, rolls: rolls, settings: settings.rolls(of: shard),
      exemptions: cluster.exemptions, policies: policies, time: time, logger: logger, policiesChanged: alerts.gapsChanged)
    let events =
      settings.events == .on
      ? GapEventPoster(
        client: cluster.client, identity: leadership.identity, time: time, logger: logger, isLeading: { leadership.isLeader }) : nil
    let archiveWatch = ObjectWatch(
      .configMaps, namespace: cluster.namespace, name: ObjectNames.name(ObjectNames.gaps, of: shard.index),
      client: cluster.client, logger: logger)
    let archive = GapArchiver(
      client: cluster.client, namespace: cluster.namespace, shard: shard, ledger: ledger, policy: settings.archive, time: time,
      logger: logger,
      isLeading: { leadership.isLeader }, groups: { alerts.groups },
      takeOver: { groups, restore in
        let restored = alerts.takeOver(groups, restore)
        events?.takeOver(restored)
      })
    let history = GapHistoryKeeper(
      client: cluster.client, namespace: cluster.namespace, shard: shard, time: time, logger: logger, isLeading: { leadership.isLeader },
      workload: cluster.workload(of:))
    let freshness = RollFreshness(watches: cluster, limit: settings.stalenessLimit)
    let watch = GapWatch(
      ledger: ledger, freshness: freshness, settling: settings.interval, catchUp: settings.catchUp, time: time, logger: logger
    ) { transitions in
      history.add(transitions)
      alerts.gapsChanged()
      events?.post(transitions, ledger: ledger.snapshot())
    }

    let policyStatuses = PolicyStatusWriter(
      client: cluster.client, watch: policies, rolls: rolls, gaps: { ledger.snapshot().gapsOfPolicies() },
      judgesScrapes: { coverage.status.mode != .off }, isLeading: writesShared, shard: shard, time: time, logger: logger)
    let rules =
      settings.rulesWithoutData == .on && shard.index == 0
      ? RuleDataCheck(client: cluster.client, scrapers: { RuleScrapers(coverage) }, time: time, logger: logger) : nil

    let replicas = ControllerReplicas(cluster: cluster, pod: environment["POD_NAME"])
    let reconciler = TargetReconciler(
      client: cluster.client, settings: settings.targets(namespace: cluster.namespace), time: time, logger: logger,
      isLeading: writesShared, snapshot: targets.snapshot)
    // Of the service account only. Another credential of a kubeconfig is for the API server and nobody else.
    let peerToken = settings.authorization == .off ? nil : cluster.tokenFile.map { HeadersFile(path: $0, isToken: true) }
    let peers: ShardPeers? =
      if shard.isPartial {
        ShardPeers(
          shard: shard, isLeader: { leadership.isLeader }, transport: try .make(), relayTransport: try .make(),
          callDeadline: settings.serving.deadline, scheme: settings.serving.scheme, port: settings.listen.port,
          address: leaders.address(ofShard:),
          tls: {
            certificates.tls.map { TLSOptions(certificateAuthorities: $0.certificateAuthorities, serverName: PortNames.common) }
          }, token: peerToken)
      } else {
        nil
      }

    self.push = push
    self.relay = relay
    server = ControllerServer(
      ControllerStatus(
        version: version, settings: settings.serving, time: time, leadership: leadership, shard: shard,
        peers: peers,
        readiness: Readiness(freshness: freshness, rolls: rolls, shutdown: shutdown), watches: cluster, certificates: certificates,
        rolls: rolls, ledger: ledger, workload: cluster.workload(of:), pod: cluster.pod(namespace:name:),
        podsOnNode: cluster.pods(onNode:), pods: { cluster.pods.store.snapshot() }, endedGaps: { history.ended },
        leader: LeaderPages(
          identity: leadership.identity, transport: probeTransport, address: { leaders.other.map(settings.portAddress(of:)) },
          connection: { settings.leaderConnection(authorities: certificates.tls?.certificateAuthorities) },
          token: peerToken),
        rulesWithoutData: rules,
        counters: counters, exporters: exporters, archive: archive,
        alertmanagers: alerts, events: events, targets: targets, replicas: replicas, publication: reconciler, relay: relay,
        virtualCache: settings.virtualMode == .push ? nil : virtual.cache, push: push, refusals: access,
        coverage: coverage,
        policies: RunningPolicies(watch: policies, writer: policyStatuses, nodes: cluster.nodes.store, rolls: rolls)
      ) {
        PolicyTrial(
          nodes: cluster.nodes.store.snapshot(), pods: cluster.pods.store.snapshot(), rolls: rolls.snapshot().rolls,
          rules: cluster.exemptions.rules(settings.rolls(of: shard).exemptions), settings: settings.rolls(of: shard),
          ledger: ledger.snapshot())
      },
      access: PortAccess(settings: settings.portAccess, control: access), tls: tls, logger: logger)
    core = ControllerCore(
      cluster: cluster, leadership: leadership, shutdown: shutdown, logger: logger,
      services: [
        cluster.nodes.run, cluster.pods.run, cluster.exemptions.run, policies.run, updater.run, certificates.run, { await tls?.run() },
        otherShards.run,
      ],
      leaderWork: LeaderLoop(leadership: leadership, time: time) {
        await LeaderWork(
          rolls: rolls, ledger: ledger, tasks: tasks, archive: archive, archiveWatch: archiveWatch, history: history, watch: watch,
          alerts: alerts, events: events, push: push, coverage: coverage, rules: rules, policies: policyStatuses, time: time
        ).run()
      },
      publication: shard.index == 0 ? TargetPublication(reconciler: reconciler, rolls: rolls, time: time, logger: logger) : nil, time: time,
      finish: {
        await archive.finish()
        await history.finish()
      })
  }
}
