/// Our own `/metrics` for the sample cluster, without the process's numbers.
let goldenMetrics = """
  # HELP rollcall_expected_containers Containers that are to be collected.
  # TYPE rollcall_expected_containers gauge
  rollcall_expected_containers{node="linux-1",source="linux"} 2
  rollcall_expected_containers{node="linux-2",source="linux"} 0
  rollcall_expected_containers{node="virtual-1",source="virtual"} 1
  rollcall_expected_containers{node="windows-1",source="windows"} 1
  # HELP rollcall_exempt_containers Containers that cannot or need not be collected, by reason.
  # TYPE rollcall_exempt_containers gauge
  rollcall_exempt_containers{node="linux-1",source="linux",reason="NotRunning"} 1
  rollcall_exempt_containers{node="windows-1",source="windows",reason="HostProcess"} 1
  # HELP rollcall_container_gap 1 while the container is not collected, or not scraped, within the threshold.
  # TYPE rollcall_container_gap gauge
  rollcall_container_gap{namespace="shop",pod="web",container="quiet",node="linux-1",source="linux",kind="uncollected",reason="PidNotFound"} 1
  # HELP rollcall_interval_seconds How often each node's roll is called.
  # TYPE rollcall_interval_seconds gauge
  rollcall_interval_seconds 15
  # HELP rollcall_threshold_seconds How old a collection or a scrape may be before it is a gap.
  # TYPE rollcall_threshold_seconds gauge
  rollcall_threshold_seconds 300
  # HELP rollcall_collections_total Containers that were called, each call counted.
  # TYPE rollcall_collections_total counter
  rollcall_collections_total{source="linux"} 3
  rollcall_collections_total{source="virtual"} 0
  rollcall_collections_total{source="windows"} 0
  # HELP rollcall_collection_failures_total Containers that were called and not collected, by reason.
  # TYPE rollcall_collection_failures_total counter
  rollcall_collection_failures_total{source="linux",reason="PidNotFound"} 1
  # HELP rollcall_collection_duration_seconds How long the call of one node's roll took.
  # TYPE rollcall_collection_duration_seconds histogram
  rollcall_collection_duration_seconds_bucket{source="linux",le="0.005"} 0
  rollcall_collection_duration_seconds_bucket{source="linux",le="0.01"} 0
  rollcall_collection_duration_seconds_bucket{source="linux",le="0.025"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="0.05"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="0.1"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="0.25"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="0.5"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="1.0"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="2.5"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="5.0"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="10.0"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="30.0"} 1
  rollcall_collection_duration_seconds_bucket{source="linux",le="+Inf"} 1
  rollcall_collection_duration_seconds_sum{source="linux"} 0.02
  rollcall_collection_duration_seconds_count{source="linux"} 1
  rollcall_collection_duration_seconds_bucket{source="virtual",le="0.005"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="0.01"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="0.025"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="0.05"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="0.1"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="0.25"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="0.5"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="1.0"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="2.5"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="5.0"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="10.0"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="30.0"} 0
  rollcall_collection_duration_seconds_bucket{source="virtual",le="+Inf"} 0
  rollcall_collection_duration_seconds_sum{source="virtual"} 0
  rollcall_collection_duration_seconds_count{source="virtual"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="0.005"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="0.01"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="0.025"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="0.05"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="0.1"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="0.25"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="0.5"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="1.0"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="2.5"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="5.0"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="10.0"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="30.0"} 0
  rollcall_collection_duration_seconds_bucket{source="windows",le="+Inf"} 0
  rollcall_collection_duration_seconds_sum{source="windows"} 0
  rollcall_collection_duration_seconds_count{source="windows"} 0
  # HELP rollcall_exporter_up Whether windows_exporter answered the last call with a page, 1 or 0.
  # TYPE rollcall_exporter_up gauge
  # HELP rollcall_exporter_scrape_duration_seconds How long the last call of windows_exporter took.
  # TYPE rollcall_exporter_scrape_duration_seconds gauge
  # HELP rollcall_exporter_deadline_seconds How long a call of windows_exporter may take.
  # TYPE rollcall_exporter_deadline_seconds gauge
  rollcall_exporter_deadline_seconds 10
  # HELP rollcall_exporter_info Always 1; the label tells the version of windows_exporter on the node.
  # TYPE rollcall_exporter_info gauge
  # HELP rollcall_exporter_collector_success Whether windows_exporter says that the collector succeeded, 1 or 0.
  # TYPE rollcall_exporter_collector_success gauge
  # HELP rollcall_exporter_collector_timeout Whether windows_exporter says that the collector timed out, 1 or 0.
  # TYPE rollcall_exporter_collector_timeout gauge
  # HELP rollcall_probe_requests_total Pages of nodes that were asked for.
  # TYPE rollcall_probe_requests_total counter
  # HELP rollcall_probe_fetches_total Pages that nodes were asked for; fewer than the requests where some came together.
  # TYPE rollcall_probe_fetches_total counter
  # HELP rollcall_probe_failures_total Pages that could not be fetched, or not to their end, by reason.
  # TYPE rollcall_probe_failures_total counter
  # HELP rollcall_published_targets Targets in the EndpointSlices that we write.
  # TYPE rollcall_published_targets gauge
  # HELP rollcall_refused_targets Targets that cannot be published: no address, or one that is not accepted.
  # TYPE rollcall_refused_targets gauge
  # HELP rollcall_object_writes_total Objects applied or deleted so that Prometheus finds its targets.
  # TYPE rollcall_object_writes_total counter
  # HELP rollcall_failing_objects Objects that could not be written as they should be.
  # TYPE rollcall_failing_objects gauge
  # HELP rollcall_alerts_sent_total Alerts that an Alertmanager accepted, each sending counted.
  # TYPE rollcall_alerts_sent_total counter
  # HELP rollcall_alerts_left_out Open gaps that have no alert of their own, because there are too many.
  # TYPE rollcall_alerts_left_out gauge
  # HELP rollcall_alert_failures_total Requests that an Alertmanager did not accept.
  # TYPE rollcall_alert_failures_total counter
  # HELP rollcall_events_total Kubernetes Events about gaps, by what became of them; folded ones only counted in another.
  # TYPE rollcall_events_total counter
  # HELP rollcall_certificate_expiry_timestamp_seconds When a certificate for mutual TLS between controller and agents ends, in seconds since 1970.
  # TYPE rollcall_certificate_expiry_timestamp_seconds gauge
  rollcall_certificate_expiry_timestamp_seconds{certificate="ca.crt"} 1800000000
  rollcall_certificate_expiry_timestamp_seconds{certificate="agent.crt"} 1707776000
  # HELP rollcall_archived_gaps Open gaps that are kept for the next leader, as of the last writing.
  # TYPE rollcall_archived_gaps gauge
  rollcall_archived_gaps 0
  # HELP rollcall_archive_cut_gaps Open gaps, the youngest, for which the archive has no room: they would begin anew with the next leader.
  # TYPE rollcall_archive_cut_gaps gauge
  rollcall_archive_cut_gaps 0
  # HELP rollcall_archive_failures_total Writings of the archive of open gaps that failed.
  # TYPE rollcall_archive_failures_total counter
  rollcall_archive_failures_total 0
  # HELP rollcall_watch_synced 1 while the watch of the resource is in touch with the API server.
  # TYPE rollcall_watch_synced gauge
  rollcall_watch_synced{resource="nodes"} 0
  # HELP rollcall_watch_lists_total Whole lists that came in.
  # TYPE rollcall_watch_lists_total counter
  rollcall_watch_lists_total{resource="nodes"} 0
  # HELP rollcall_watch_streams_total Watches that the API server accepted.
  # TYPE rollcall_watch_streams_total counter
  rollcall_watch_streams_total{resource="nodes"} 0
  # HELP rollcall_watch_changes_total Changes that came by watch.
  # TYPE rollcall_watch_changes_total counter
  rollcall_watch_changes_total{resource="nodes"} 0
  # HELP rollcall_watch_expirations_total Lists and watches from a version that the API server no longer knew.
  # TYPE rollcall_watch_expirations_total counter
  rollcall_watch_expirations_total{resource="nodes"} 0
  # HELP rollcall_watch_failures_total Lists and watches that failed and were followed by a wait.
  # TYPE rollcall_watch_failures_total counter
  rollcall_watch_failures_total{resource="nodes"} 0
  # HELP rollcall_watch_unreadable_total Answers and events that could not be decoded or were too large.
  # TYPE rollcall_watch_unreadable_total counter
  rollcall_watch_unreadable_total{resource="nodes"} 0
  # HELP rollcall_leader 1 on the replica that calls, writes and alerts.
  # TYPE rollcall_leader gauge
  rollcall_leader 1
  # HELP rollcall_ready Whether each thing that has to be well is, 1 or 0.
  # TYPE rollcall_ready gauge
  # HELP rollcall_build_info The version of Rollcall.
  # TYPE rollcall_build_info gauge
  rollcall_build_info{version="1.2.3"} 1
  # HELP rollcall_container_due_timestamp_seconds Since when the container is to be collected, in seconds since 1970.
  # TYPE rollcall_container_due_timestamp_seconds gauge
  rollcall_container_due_timestamp_seconds{namespace="shop",pod="web",container="app",node="linux-1",source="linux"} 1700000000
  rollcall_container_due_timestamp_seconds{namespace="shop",pod="web",container="quiet",node="linux-1",source="linux"} 1700000000
  rollcall_container_due_timestamp_seconds{namespace="shop",pod="render",container="render",node="virtual-1",source="virtual"} 1700000000
  rollcall_container_due_timestamp_seconds{namespace="shop",pod="iis",container="iis",node="windows-1",source="windows"} 1700000000
  # HELP rollcall_container_last_collection_timestamp_seconds When the container was last collected, in seconds since 1970; 0 if not since this replica leads.
  # TYPE rollcall_container_last_collection_timestamp_seconds gauge
  rollcall_container_last_collection_timestamp_seconds{namespace="shop",pod="web",container="app",node="linux-1",source="linux"} 1700000300
  rollcall_container_last_collection_timestamp_seconds{namespace="shop",pod="web",container="quiet",node="linux-1",source="linux"} 0
  rollcall_container_last_collection_timestamp_seconds{namespace="shop",pod="render",container="render",node="virtual-1",source="virtual"} 1700000300
  rollcall_container_last_collection_timestamp_seconds{namespace="shop",pod="iis",container="iis",node="windows-1",source="windows"} 1700000300

  """
