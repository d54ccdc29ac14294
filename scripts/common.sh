# shellcheck shell=sh
# What the scripts of this folder share. Sourced, never run.

# The docker command would follow its current context, the judge does not: both must mean one engine.
export DOCKER_CONTEXT=default

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

is_root() {
    [ "$(id -u)" -eq 0 ]
}

# Ends with one message where packages of the distribution cannot be installed. may_install PACKAGES WHY
may_install() {
    [ "${SM_NO_INSTALL:-}" != 1 ] ||
        die "Missing: $1 ($2). SM_NO_INSTALL=1 forbids installing it: install it yourself, or unset SM_NO_INSTALL."
    is_root ||
        die "Missing: $1 ($2). Installing it needs root: run 'apt-get install $1' as root, then this again."
    has apt-get ||
        die "Missing: $1 ($2). There is no apt-get to install it with: install it by this machine's own means."
}

read_package_lists() {
    say "Reading the distribution's package lists (apt-get update)."
    quietly apt-get update
}

# Installs packages of the distribution; says first which and why. install_packages WHY PACKAGE...
install_packages() {
    why=$1
    shift
    say "Will be installed with apt-get, $why: $*"
    # Apt's own services may hold its lock for a while on a machine that was just started.
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@"
}

# Runs a command and shows what it printed only when it fails.
quietly() {
    printed=$(mktemp)
    if ! "$@" >"$printed" 2>&1 </dev/null; then
        tail -n 20 "$printed" >&2
        rm -f "$printed"
        die "This failed, its last lines are above: $*"
    fi
    rm -f "$printed"
}
