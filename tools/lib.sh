# Shared by tools/run, tools/test and .ci/run (bash): where things are, and what must be installed.
# Says every package it installs, and installs only what is missing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Build directories are $build_name, $build_name-asan, ...: another name keeps two trees apart.
build_name=${POLLARD_BUILD:-build}

build_packages=(gcc libc6-dev meson ninja-build pkg-config python3 libjemalloc-dev libxxhash-dev)
test_packages=(clang clang-format libclang-rt-14-dev libcriterion-dev libhiredis-dev redis-tools
    redis-server python3-redis)

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root (or sudo) for: $*"
    fi
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need_packages NAME...: installs those that are missing, from Debian.
need_packages() {
    local missing=() name
    command -v dpkg-query >/dev/null || {
        echo "not a Debian system: expecting these to be present: $*"
        return 0
    }
    for name in "$@"; do
        is_installed "$name" || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    echo "Installing Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -q >/dev/null || echo "apt-get update failed; trying with what is known"
    as_root apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null ||
        die "could not install: ${missing[*]}"
}

# need_node: node and npm come in one package from some vendors, in two from Debian. Without
# them the client tests that use them are skipped and counted as skipped.
need_node() {
    command -v node >/dev/null && command -v npm >/dev/null && return 0
    (need_packages nodejs npm) || echo "no node/npm: the tests with them will be skipped"
}

# configure DIRECTORY OPTION...: meson setup, once.
configure() {
    local directory=$1
    shift
    [ -f "$directory/build.ninja" ] && return 0
    meson setup "$directory" "$root" "$@"
}
