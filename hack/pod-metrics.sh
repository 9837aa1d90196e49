# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the benchmarks of virtual nodes after lib.sh: the metrics of pods in $folder, an nginx that serves them, and figures.
pods_port=18080
# Each pod has its own address.
pod_address() { echo "127.1.$(($1 / 250)).$(($1 % 250 + 1))"; }

# make_pod_metrics COUNT: 68 KB for each pod.
make_pod_metrics() {
  [ "$1" -le 50000 ] || die "--pods $1: at most 50000, the number of addresses"
  say "metrics of $1 pods, 68 KB each"
  hack/make-cadvisor-metrics "$1" "$folder/pods"
}

# listen_for_pods COUNT [FIRST STEP]: the listen directives for the pods' addresses, or for every STEPth from FIRST.
listen_for_pods() {
  local n
  for ((n = ${2:-0}; n < $1; n += ${3:-1})); do echo "listen $(pod_address "$n"):$pods_port;"; done
}

# start_nginx SERVERS…: starts nginx with these server blocks; sets $nginx to its PID.
start_nginx() {
  local kind
  {
    echo "daemon off; worker_processes 1; worker_rlimit_nofile 65536; error_log $folder/nginx.log; pid $folder/nginx.pid;"
    [ "$(id -u)" != 0 ] || echo "user root;"
    echo "events { worker_connections 32768; }"
    echo "http { access_log off; sendfile on; keepalive_requests 1000000; open_file_cache max=20000; default_type text/plain;"
    for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $folder/$kind;"; done
    printf '%s\n' "$@" "}"
  } >"$folder/nginx.conf"
  "$(command -v nginx || echo /usr/sbin/nginx)" -p "$folder" -c "$folder/nginx.conf" 2>>"$folder/nginx.log" &
  nginx=$!
  wait_for "http://127.1.0.1:$pods_port/metrics/cadvisor" ||
    { cat "$folder/nginx.log" >&2; die "nginx did not start (it needs a socket for each pod, see ulimit -n)"; }
}

# wait_for URL: waits until the URL responds, for at most 30 s.
wait_for() {
  local attempt
  for attempt in $(seq 300); do curl -fsS -o /dev/null "$1" 2>/dev/null && return; sleep 0.1; done
  return 1
}

missed=0
# figure NAME VALUE UNIT [BUDGET]: prints the figure and sets $missed if it is over its budget.
figure() {
  if [ -z "${4:-}" ]; then echo "$1: $2 $3, no budget of its own"; return; fi
  echo "$1: $2 $3, budget at most $4"
  awk -v value="$2" -v budget="$4" 'BEGIN { exit !(value > budget) }' && missed=1 || true
}
