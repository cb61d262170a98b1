#!/bin/bash
# Puts back what apply.sh has changed since the last boot, exactly. Needs root.
#
#   tuning/revert.sh [--dry-run]
#
# Exit code: 0 done, 1 something could not be set, 2 a mistake in the options.

set -euo pipefail
# shellcheck source=tuning/knobs.sh
. "$(dirname "$0")/knobs.sh"
parse_options "$@"

outcome=0
saved=$(state)
if [[ -z $saved ]]; then
    echo 'nothing to revert: apply.sh has changed nothing since the last boot'
fi
while IFS='|' read -r name file old; do
    [[ -n $name ]] || continue
    now=$(get "$file") || now='not there'
    if [[ -n $DRY_RUN ]]; then
        echo "would set $name: $now -> $old ($file)"
    elif [[ $now == "$old" ]]; then
        echo "$name: is $old already"
    elif put "$file" "$old"; then
        echo "$name: $now -> $old ($file)"
    else
        echo "$name: cannot be set back to $old ($file); are you root?" >&2
        outcome=1
    fi
done <<<"$saved"
# Kept where something is left to be done.
if [[ -z $DRY_RUN && $outcome == 0 ]]; then
    rm -f "$STATE"
fi
exit $outcome
