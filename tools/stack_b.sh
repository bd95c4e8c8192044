#!/bin/sh
# Runs a command in a copy of the work tree inside a Debian 13 root file system (glibc 2.41, Python 3.13: stack B).
#
#   tools/stack_b.sh make test
#
# Needs root, debootstrap and unshare. The root is built once, under build/, from the mirror that this machine's apt uses.
# Its mounts live in a mount namespace of their own, so they are gone when the command ends, however it ends.
# Exit status: the command's own; 77 where the root cannot be built or entered.
set -eu

cd "$(dirname "$0")/.."
PACKAGES=ca-certificates,g++,git,libgomp1,make,python3,python3-dev,python3-venv
ROOT=$PWD/build/stack-b-root
STAMP=$ROOT/.packages
PROJECT=/src/tfx-automl
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
PASS="http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY CI
    PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT
    UV_DEFAULT_INDEX UV_INDEX_URL UV_INDEX UV_HTTP_TIMEOUT UV_INSECURE_HOST"

unavailable() {
    echo "stack B cannot be built here: $1" >&2
    exit 77
}

build_root() {
    log=build/stack-b-root.log
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m 1 '/debian/*$' || true)
    eval "$(apt-config shell apt_proxy Acquire::http::Proxy 2>/dev/null || true)"
    echo "stack B: building a Debian 13 root with debootstrap (log: $log)"
    rm -rf "$ROOT" "$ROOT.partial"
    http_proxy=${http_proxy-${apt_proxy-}} debootstrap --variant=minbase --include="$PACKAGES" trixie \
        "$ROOT.partial" ${mirror:+"$mirror"} >"$log" 2>&1 || { tail -n 5 "$log" >&2; unavailable "debootstrap failed"; }
    mkdir -p "$ROOT.partial$PROJECT" "$ROOT.partial/src/shared/data" "$ROOT.partial/var/cache/uv"
    echo "$PACKAGES" >"$ROOT.partial/.packages"
    mv "$ROOT.partial" "$ROOT"
}

refresh_root() {
    for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
        if [ -f "$file" ]; then cp -L "$file" "$ROOT$file"; fi
    done
    certificates=${SSL_CERT_FILE:-$CERTIFICATES}
    if [ -f "$certificates" ]; then cp -L "$certificates" "$ROOT$CERTIFICATES"; fi
    # What the last run built there is kept; everything else is this work tree, as it is now.
    find "$ROOT$PROJECT" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .tools -exec rm -rf {} +
    { git ls-files -z --cached --others --exclude-standard; printf '.git\0'; } |
        tar --create --null --files-from=- --ignore-failed-read 2>/dev/null |
        tar --extract --no-same-owner --directory="$ROOT$PROJECT"
}

# Runs inside the namespace: $1 root, $2 work tree outside, $3 uv cache outside or empty, $4 work tree inside; then the
# variables and the command.
INSIDE='
    root=$1 outside=$2 cache=$3 project=$4
    shift 4
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    if [ -d "$outside/../shared/data" ]; then mount --bind -o ro "$outside/../shared/data" "$root/src/shared/data"; fi
    if [ -n "$cache" ]; then mount --bind "$cache" "$root/var/cache/uv"; fi
    exec chroot "$root" /usr/bin/env -i --chdir="$project" "$@"
'

[ $# -gt 0 ] || { echo "usage: tools/stack_b.sh COMMAND..." >&2; exit 2; }
[ "$(id -u)" = 0 ] || unavailable "it needs root"
command -v debootstrap >/dev/null || unavailable "debootstrap is missing (apt-get install debootstrap)"
unshare --mount --pid --fork true 2>/dev/null || unavailable "this machine allows no mount namespaces"
mkdir -p build
exec 9>build/stack-b.lock
flock 9
if [ "$(cat "$STAMP" 2>/dev/null)" != "$PACKAGES" ]; then build_root; fi
refresh_root

cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/uv}
[ -d "$cache" ] || cache=
for name in $PASS; do
    eval "value=\${$name-}"
    if [ -n "$value" ]; then set -- "$name=$value" "$@"; fi
done
# Packages are copied from the cache, which is another mount inside.
set -- HOME=/root PATH=/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8 TERM=dumb UV_CACHE_DIR=/var/cache/uv UV_LINK_MODE=copy \
    SSL_CERT_FILE="$CERTIFICATES" PIP_CERT="$CERTIFICATES" REQUESTS_CA_BUNDLE="$CERTIFICATES" "$@"
unshare --mount --pid --fork --kill-child sh -euc "$INSIDE" sh "$ROOT" "$PWD" "$cache" "$PROJECT" "$@"
