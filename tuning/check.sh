#!/bin/bash
# Shows what the host is set to and what Basalt would have it set to. Changes nothing, needs no root.
#
#   tuning/check.sh [--dir DATA-DIRECTORY | --disk NAME] [--only KNOB,…] [--skip KNOB,…]
#
# dirty-background is a matter of choice (see README.md), and only looked at where --only names it.
#
# Exit code: 0 all is as wanted, 1 something is not, 2 a mistake in the options.
# `basalt doctor` looks at more, and with the server's own configuration.

set -euo pipefail
# shellcheck source=tuning/knobs.sh
. "$(dirname "$0")/knobs.sh"
parse_options "$@"

outcome=0
while IFS='|' read -r name file accepted wanted why; do
    is_asked_for "$name" || continue
    if ! value=$(get "$file"); then
        printf '%-7s %-17s not on this host\n' - "$name"
    elif is_fine "$value" "$accepted"; then
        printf '%-7s %-17s %s\n' OK "$name" "$value"
    else
        outcome=1
        printf '%-7s %-17s %s, better %s: %s\n' CHANGE "$name" "$value" "$wanted" "$why"
    fi
done < <(knobs)

# What no script changes: limits are of each process, mount options of each file system.
printf '%-7s %-17s %s\n' see 'LimitNOFILE' "$(ulimit -Hn) in this shell; wanted: maxclients + 600 a shard"
printf '%-7s %-17s %s\n' see 'LimitMEMLOCK' "$(ulimit -l) KB in this shell; wanted: 512 KB a shard"
exit $outcome
