#!/bin/bash
# Sets the host as Basalt would have it, until the next boot. What is good enough stays as it is, and
# the values that were there before are kept for revert.sh. Needs root.
#
#   tuning/apply.sh [--dry-run] [--dir DATA-DIRECTORY | --disk NAME] [--only KNOB,…] [--skip KNOB,…]
#
# dirty-background is a matter of choice (see README.md), and only looked at where --only names it.
#
# Exit code: 0 done, 1 something could not be set, 2 a mistake in the options.
# sysctl.conf.example, udev/ and systemd/ make the same last.

set -euo pipefail
# shellcheck source=tuning/knobs.sh
. "$(dirname "$0")/knobs.sh"
parse_options "$@"

# Keeps the value that a knob had before the first apply of this boot.
remember() {
    local name=$1 file=$2 old=$3 saved boot
    saved=$(state)
    if grep -qF "|$file|" <<<"$saved"; then
        return
    fi
    read -r boot <"$BOOT_ID"
    local text="boot $boot"$'\n'$saved${saved:+$'\n'}"$name|$file|$old"
    { echo "$text" >"$STATE.new"; } 2>/dev/null && mv "$STATE.new" "$STATE"
}

outcome=0
while IFS='|' read -r name file accepted wanted _; do
    is_asked_for "$name" || continue
    if ! old=$(get "$file") || is_fine "$old" "$accepted"; then
        continue
    fi
    if [[ -n $DRY_RUN ]]; then
        echo "would set $name: $old -> $wanted ($file)"
    elif remember "$name" "$file" "$old" && put "$file" "$wanted"; then
        echo "$name: $old -> $wanted ($file)"
    else
        echo "$name: cannot be set to $wanted ($file); are you root?" >&2
        outcome=1
    fi
done < <(knobs)
exit $outcome
