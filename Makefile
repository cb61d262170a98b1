# make run    installs what is missing, builds, and starts the server on this host alone.
# make test   installs what is missing for the tests too, and runs every check there is.
#
# Everything is built with `--workspace --release`, also tests and lints: cargo compiles a
# dependency once for each profile and each set of features, and both depend on which packages
# are asked for. Any other combination would compile RocksDB again, which takes a quarter of an
# hour on two cores.
#
# CARGO_TARGET_DIR works as always with cargo; without it the build goes to ./target.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run test build-packages test-packages

# More options for the server: make run ARGS='--port 7000 --appendfsync everysec'
ARGS ?=
# Bounds, so that nothing hangs for ever: compiling, RocksDB included, and running the tests.
BUILD_TIME_MAX ?= 120m
TEST_TIME_MAX ?= 45m

help:
	echo "make run [ARGS='--port 7000 ...']   build and start the server, data in ./data"
	echo "make test                           run every check"

run: build-packages
	cargo build --release --workspace
	mkdir -p -m 700 ./data
	echo "Starting Basalt: data in ./data, this host alone, a shard for each core."
	exec "$${CARGO_TARGET_DIR:-target}/release/basalt" \
	    --dir ./data --bind 127.0.0.1 -::1 $(ARGS)

test: test-packages
	step() { printf '\n== %s\n' "$$1"; }
	bounded() { timeout --kill-after=30 "$$@"; }
	step 'Formatting'
	cargo fmt --all --check
	step 'Lints'
	bounded $(BUILD_TIME_MAX) \
	    cargo clippy --release --workspace --all-targets -- -D warnings
	step 'Building the server and its tests'
	bounded $(BUILD_TIME_MAX) cargo test --release --workspace --no-run
	step 'Client libraries for the tests'
	bounded 15m tests/clients/install.sh
	step 'Tests: units, documentation, the server through its sockets, real clients'
	bounded $(TEST_TIME_MAX) cargo test --release --workspace --no-fail-fast
	step 'Everything passed'

# Defines `missing`, with the Debian packages that building needs and this machine has not. The
# bindings of RocksDB are made with libclang.
define find_build_packages
missing=()
command -v c++ >/dev/null || missing+=(build-essential)
command -v clang >/dev/null || missing+=(clang)
command -v pkg-config >/dev/null || missing+=(pkg-config)
[[ -n "$${LIBCLANG_PATH:-}" ]] || is_installed libclang-dev || missing+=(libclang-dev)
endef

# The same for the tests: redis-server to compare with, Python and Node for real clients, file
# systems to cut the power of, shellcheck for the scripts, and kill, which is more than what bash has
# built in.
define find_test_packages
type -P kill >/dev/null || missing+=(procps)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v redis-cli >/dev/null || missing+=(redis-tools)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv python3-pip)
PATH="$$PATH:/usr/sbin" type -P mkfs.ext4 >/dev/null || missing+=(e2fsprogs)
PATH="$$PATH:/usr/sbin" type -P mkfs.xfs >/dev/null || missing+=(xfsprogs)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v shellcheck >/dev/null || missing+=(shellcheck)
endef

define prepare
is_installed() {
    [[ "$$(dpkg-query -W -f='$${db:Status-Status}' "$$1" 2>/dev/null)" == installed ]]
}
as_root() { if [[ $$EUID == 0 ]]; then "$$@"; else sudo "$$@"; fi; }
if ! command -v cargo >/dev/null; then
    echo 'cargo is missing: install Rust first, see https://rustup.rs' >&2
    exit 1
fi
endef

# Installs what `missing` names. Debian starts a service as soon as it is installed; a redis-server
# that is only here for the tests must not start, nor after the next boot: it would sit on our port.
define install_packages
if (( $${#missing[@]} )); then
    if ! command -v apt-get >/dev/null || { [[ $$EUID != 0 ]] && ! command -v sudo >/dev/null; }
    then
        echo "These Debian packages (or what they are called here) are missing: $${missing[*]}" >&2
        echo "Install them, then try again: apt-get install $${missing[*]}" >&2
        exit 1
    fi
    echo "Installing Debian packages: $${missing[*]}"
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $$policy ]]; then
        trap 'as_root rm -f "$$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$$policy" >/dev/null
        as_root chmod 755 "$$policy"
    fi
    apt_get() {
        as_root env DEBIAN_FRONTEND=noninteractive timeout 15m \
            apt-get -q -o DPkg::Lock::Timeout=300 "$$@"
    }
    apt_get update
    apt_get install -y --no-install-recommends "$${missing[@]}"
    if [[ " $${missing[*]} " == *' redis-server '* ]]; then
        as_root update-rc.d redis-server disable
    fi
fi
endef

build-packages:
	$(prepare)
	$(find_build_packages)
	$(install_packages)

test-packages:
	$(prepare)
	$(find_build_packages)
	$(find_test_packages)
	$(install_packages)
	for component in rustfmt clippy; do
	    cargo "$${component/rust/}" --version >/dev/null 2>&1 || rustup component add "$$component"
	done
