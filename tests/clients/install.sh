#!/bin/sh
# Installs the client libraries that tests/clients uses: redis-py into a virtual environment,
# ioredis under a prefix of npm, both in one directory outside the checkout. Safe to run again:
# what is there in the right version is left alone.
#
# usage: tests/clients/install.sh [DIRECTORY]
set -eu

REDIS_PY_VERSION=5.2.1
IOREDIS_VERSION=5.4.2

directory=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/basalt/clients}
python=$directory/python
node=$directory/node
mkdir -p "$directory"

if ! [ -x "$python/bin/python" ]; then
    python3 -m venv "$python"
fi
if [ "$("$python/bin/python" -c 'import redis; print(redis.__version__)' 2>&1)" \
    != "$REDIS_PY_VERSION" ]; then
    "$python/bin/pip" install --quiet --disable-pip-version-check "redis==$REDIS_PY_VERSION"
fi

installed=$(sed -n 's/^ *"version": "\(.*\)",*$/\1/p' \
    "$node/node_modules/ioredis/package.json" 2>/dev/null || true)
if [ "$installed" != "$IOREDIS_VERSION" ]; then
    npm install --silent --no-audit --no-fund --prefix "$node" "ioredis@$IOREDIS_VERSION"
fi
echo "client libraries in $directory: redis-py $REDIS_PY_VERSION, ioredis $IOREDIS_VERSION"
