# shellcheck shell=bash disable=SC2034
# Sourced by the scripts in this folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n==> %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# as_root COMMAND…: runs a command as root, through sudo if needed.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    die "needs root for: $* (run as root, or install sudo)"
  fi
}

# need_packages PACKAGE…: installs the missing Debian packages and prints their names. It does not start the services in them.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || die "these packages are missing, and this is not a Debian machine: ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

need_swift() {
  command -v swift >/dev/null || die "swift is not on the PATH; Rollcall needs Swift 6.3 (https://www.swift.org/install/linux/)"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  case "$version" in
    6.[3-9] | 6.[1-9][0-9] | [7-9].*) ;;
    *) die "Swift 6.3 or newer is needed; this is ${version:-unknown}" ;;
  esac
}

# Libraries that the package links.
build_packages=(libcurl4-openssl-dev libisal-dev libre2-dev libsnappy-dev libyaml-dev pkg-config zlib1g-dev)
# Programs that the tests run.
test_packages=(bindfs busybox-static chromium chromium-driver containerd curl dnsmasq-base docker.io iproute2 jq libnginx-mod-stream microsocks nginx-light openssl podman prometheus prometheus-alertmanager
  runc shellcheck tinyproxy victoria-metrics)

# need_python_packages: installs the Python packages of hack/requirements.txt, in those versions, into a folder of their own.
need_python_packages() {
  [ -x "$python_packages/bin/python" ] && return
  python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3 python3-venv
  say "installing Python packages: $(grep -v '^#' hack/requirements.txt | paste -sd ' ')" >&2
  # In a folder that gets its name when it is complete.
  mkdir -p "$(dirname "$python_packages")"
  local folder
  folder=$(mktemp -d "$python_packages.XXXXXX")
  python3 -m venv "$folder" && "$folder/bin/pip" install -q --disable-pip-version-check --no-deps -r hack/requirements.txt >&2 ||
    die "pip could not install the packages of hack/requirements.txt"
  mv -T "$folder" "$python_packages" 2>/dev/null || rm -rf "$folder"
}
python_packages=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/python-$(sha256sum hack/requirements.txt | cut -c 1-12)

# dependencies: the Swift packages of a release, a location and a version in each line.
dependencies() { grep -v '^#' hack/dependencies.txt; }

# pin_dependencies: writes Package.resolved, by which SwiftPM takes exactly these versions. It is not committed, so that users of the library
# KubeClient choose their own. The revisions are those that the locations have now.
pin_dependencies() {
  need_packages git jq
  local location version revision
  say "Swift packages: the versions of hack/dependencies.txt"
  dependencies | while read -r location version; do
    # An annotated tag has a second line, with its commit.
    revision=$(git ls-remote "$location" "refs/tags/$version" "refs/tags/$version^{}" | tail -n 1 | cut -f 1)
    [ -n "$revision" ] || die "$location has no version $version"
    jq -n --arg location "$location" --arg version "$version" --arg revision "$revision" '
      {identity: ($location | split("/") | last | ascii_downcase), kind: "remoteSourceControl", location: $location,
       state: {revision: $revision, version: $version}}'
  done | jq -s '{pins: ., version: 3}' >Package.resolved.new || return
  mv Package.resolved.new Package.resolved
}

# The flags of release builds, for hack/build-release and the benchmarks. Other flags would build every dependency again.
release_flags=(-c release --static-swift-stdlib --disable-local-rpath -Xswiftc -Xfrontend -Xswiftc -function-sections -Xcc -ffunction-sections -Xcc -fdata-sections)

# build_release PRODUCT: builds it for release and prints the path of the executable. The first build takes about ten minutes.
build_release() {
  need_swift
  need_packages "${build_packages[@]}" >&2
  say "build: $1, release" >&2
  swift build "${release_flags[@]}" --product "$1" >&2 || die "$1 could not be built"
  echo "$(swift build "${release_flags[@]}" --show-bin-path)/$1"
}

# build_benchmark PRODUCT: the same for an executable of Benchmarks/.
build_benchmark() { ROLLCALL_BENCHMARKS=1 build_release "$1"; }

# make_agent_certificates FOLDER: an authority (ca.crt), the agent's certificate (tls.crt) and the controller's (client.crt), with their
# keys.
make_agent_certificates() {
  local name usage
  mkdir -p "$1"
  (
    cd "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=authority -keyout ca.key -out ca.crt
    for name in tls client; do
      if [ $name = tls ]; then usage=serverAuth; else usage=clientAuth; fi
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout $name.key -out $name.csr
      openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out $name.crt \
        -extfile <(printf 'extendedKeyUsage=%s\nsubjectAltName=DNS:rollcall-agent\n' $usage)
    done
  ) 2>/dev/null || die "openssl could not make certificates in $1"
}

# write_container_script FILE: writes a script that acts as a container runtime: `sh FILE ROOT FOLDER MOUNT… -- COMMAND…`, in its own mount
# namespace. It makes a root directory at ROOT with this machine's programs and FOLDER, mounts a small file system at each MOUNT below it,
# and runs the command in it. (The agent does not report the file systems of a process in the machine's own root directory.)
write_container_script() {
  cat >"$1" <<'SH'
set -e
root=$1 folder=$2
shift 2
mkdir -p "$root"
mount -t tmpfs -o size=1m root "$root"
mkdir -p "$root/usr" "$root/dev" "$root$folder"
mknod -m 666 "$root/dev/null" c 1 3
for link in bin lib lib64; do [ ! -e "/usr/$link" ] || ln -s "usr/$link" "$root/$link"; done
mount --bind /usr "$root/usr"
mount --bind "$folder" "$root$folder"
while [ "$1" != -- ]; do
  mount -t tmpfs -o size=1m "${1##*/}" "$root$1"
  shift
done
shift
exec chroot "$root" "$@"
SH
}
