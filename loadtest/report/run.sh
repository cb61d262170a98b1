#!/bin/sh
# Runs the benchmarks and writes the report: builds the server and the load generator, installs
# matplotlib for the plots into a virtual environment outside the checkout, and goes on with
# report.py, which takes all options (--help shows them).
#
# usage: loadtest/report/run.sh [--quick] [--section NAME]... [OPTION]...
set -eu

MATPLOTLIB_VERSION=3.9.4

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

python=python3
case " $* " in
*" --no-plots "* | *" --help "* | *" -h "*) ;;
*)
    environment=${XDG_CACHE_HOME:-$HOME/.cache}/basalt/report
    python=$environment/bin/python
    [ -x "$python" ] || python3 -m venv "$environment"
    installed=$("$python" -c 'import matplotlib; print(matplotlib.__version__)' 2>/dev/null || true)
    if [ "$installed" != "$MATPLOTLIB_VERSION" ]; then
        "$python" -m pip install --quiet --disable-pip-version-check \
            "matplotlib==$MATPLOTLIB_VERSION"
    fi
    ;;
esac

case " $* " in
*" --render "* | *" --help "* | *" -h "*) ;;
*) (cd "$root" && cargo build --quiet --release --workspace) ;;
esac

exec "$python" "$here/report.py" --binaries "$target/release" "$@"
