# shellcheck shell=bash disable=SC2034,SC2154
# Sourced by the benchmarks of virtual nodes, behind lib.sh: the pages of pods in $folder, nginx, which serves them on this machine, and figures.
pages_port=18080
# Pod n is at an address of its own.
page_address() { echo "127.1.$(($1 / 250)).$(($1 % 250 + 1))"; }

# make_pod_pages COUNT: pages of 68 KB.
make_pod_pages() {
  [ "$1" -le 50000 ] || die "--pods $1: at most 50000, for which there are addresses"
  say "pages of $1 pods, 68 KB each"
  hack/make-cadvisor-pages "$1" "$folder/pages"
}

# listen_for_pods COUNT [FIRST STEP]: nginx's directives for the pods' addresses, or for each STEPth from FIRST.
listen_for_pods() {
  local n
  for ((n = ${2:-0}; n < $1; n += ${3:-1})); do echo "listen $(page_address "$n"):$pages_port;"; done
}

# start_nginx SERVERS…: nginx with these server blocks, whose process is $nginx.
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
  wait_for "http://127.1.0.1:$pages_port/metrics/cadvisor" ||
    { cat "$folder/nginx.log" >&2; die "nginx did not start (it needs a socket for each pod; see ulimit -n)"; }
}

# wait_for URL: until it answers, half a minute at most.
wait_for() {
  local attempt
  for attempt in $(seq 300); do curl -fsS -o /dev/null "$1" 2>/dev/null && return; sleep 0.1; done
  return 1
}

missed=0
# figure NAME VALUE UNIT BUDGET: prints it, and remembers whether it is over its budget.
figure() {
  if [ -z "${4:-}" ]; then echo "$1: $2 $3, no budget of its own"; return; fi
  echo "$1: $2 $3, budget at most $4"
  awk -v value="$2" -v budget="$4" 'BEGIN { exit !(value > budget) }' && missed=1 || true
}
