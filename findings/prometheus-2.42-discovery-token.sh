#!/usr/bin/env bash
# Prometheus 2.42 sends the token of http_sd_configs without a type. `authorization` without `type` means Bearer in its documents, and for
# the targets of a job it does; the request for the list of targets has `Authorization: TOKEN`, which servers refuse.
# Debian's package, pinned, in a temporary folder. Exits 1 if the behaviour is another one.
set -euo pipefail
version=2.42.0+ds-5+deb12u1
folder=$(mktemp -d)
server="" listener=""
finish() {
  for program in $server $listener; do kill "$program" 2>/dev/null || true; done
  wait
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
apt-get download -qq "prometheus=$version" 2>/dev/null
dpkg-deb -x prometheus_*.deb .
# Answers both requests, writes their header down.
cat >listener.pl <<'PERL'
use strict; use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 19425, Listen => 8, ReuseAddr => 1) or die "listen: $!";
$| = 1;
while (my $client = $listener->accept) {
  my ($path, $type) = ('', 'none');
  while (my $line = <$client>) {
    $line =~ s/\r?\n$//;
    $path = $1 if $line =~ m{^GET (\S+)};
    $type = $1 if $line =~ /^Authorization: (.*)/i;
    last if $line eq '';
  }
  my $body = $path eq '/list' ? '[{"targets":["127.0.0.1:19425"]}]' : '';
  my $media = $path eq '/list' ? 'application/json' : 'text/plain; version=0.0.4';
  print "$path $type\n";
  print $client "HTTP/1.1 200 OK\r\nContent-Type: $media\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
}
PERL
perl listener.pl >requests & listener=$!
echo secret >token
cat >prometheus.yml <<YAML
scrape_configs:
  - job_name: example
    scrape_interval: 1s
    authorization: { credentials_file: $folder/token }
    http_sd_configs:
      - url: http://127.0.0.1:19425/list
        refresh_interval: 1s
        authorization: { credentials_file: $folder/token }
YAML
usr/bin/prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:19426 >log 2>&1 &
server=$!
for _ in $(seq 150); do grep -q '^/metrics' requests && break; sleep 0.2; done
usr/bin/prometheus --version 2>&1 | head -n 1
sort -u requests
[ "$(sort -u requests)" = $'/list secret\n/metrics Bearer secret' ]
