#!/usr/bin/env bash
# Prometheus 2.42 shows labels as discovered that it made itself: relabelling writes into the array of the labels that service discovery
# gave. A rule here changes the label zone from "before" to "after", and `discoveredLabels`, which are those before relabelling, have
# zone="after". The change is gone since 2.43.
# Debian's package, pinned, in a temporary folder. Exits 1 if the behaviour is another one.
set -euo pipefail
version=2.42.0+ds-5+deb12u1
folder=$(mktemp -d)
server=""
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
apt-get download -qq "prometheus=$version" 2>/dev/null
dpkg-deb -x prometheus_*.deb .
cat >prometheus.yml <<'YAML'
scrape_configs:
  - job_name: example
    scrape_interval: 1d
    relabel_configs:
      - { target_label: zone, replacement: after }
    static_configs:
      - { targets: ['127.0.0.1:9'], labels: { zone: before } }
YAML
usr/bin/prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:19424 >log 2>&1 &
server=$!
answer=""
for _ in $(seq 100); do
  answer=$(curl -fsS 'http://127.0.0.1:19424/api/v1/targets?state=active' 2>/dev/null | jq -cS '.data.activeTargets[0].discoveredLabels // empty' || true)
  [ -z "$answer" ] || break
  sleep 0.2
done
usr/bin/prometheus --version 2>&1 | head -n 1
echo "discoveredLabels: $answer"
[ "$(jq -r .zone <<<"$answer")" = after ]
