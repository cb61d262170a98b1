# shellcheck shell=bash
# What check.sh, apply.sh and revert.sh share: the table of knobs, how one is read and written, and
# the file with the values that were there before. README.md says what each knob does.
#
# Only what lasts until the next boot is changed. So the state lies in /run, which lasts as long;
# where /run survives a boot, the boot's id tells that the state is an old one.

# For tests: a directory with copies of /proc, /sys and /run.
ROOT=${BASALT_TUNING_ROOT:-}
STATE=$ROOT/run/basalt-tuning.state
BOOT_ID=$ROOT/proc/sys/kernel/random/boot_id

# Not for everybody: only where --only names it.
OPTIONAL=dirty-background

DATA_DIR=/var/lib/basalt
DISK=
# shellcheck disable=SC2034
DRY_RUN=
ONLY=
SKIP=

# name | file | accepted | wanted | why
# accepted: words, or <=N, or >=N, or bytes<=N.
knobs() {
    local sysctl=/proc/sys governor queue
    cat <<END
swappiness|$sysctl/vm/swappiness|<=10|1|a loop that touches a swapped page waits for the disk, with all its clients
overcommit|$sysctl/vm/overcommit_memory|0 1|0|with 2 the kernel may refuse memory, which ends the process; nothing forks, so 1 is not needed
dirty-background|$sysctl/vm/dirty_background_bytes|bytes<=268435456|67108864|what others write goes to the disk early: the longest wait of a sync gets shorter, the usual one longer
huge-pages|/sys/kernel/mm/transparent_hugepage/enabled|madvise never|madvise|with always the process takes a sixth more memory and is no faster
somaxconn|$sysctl/net/core/somaxconn|>=1024|4096|connections that wait to be accepted; a lower value cuts tcp-backlog
syn-backlog|$sysctl/net/ipv4/tcp_max_syn_backlog|>=1024|4096|half-open connections; matters where tcp_syncookies is 0
io-uring|$sysctl/kernel/io_uring_disabled|0|0|without io_uring no loop starts
open-files|$sysctl/fs/nr_open|>=65536|1048576|no process can have a higher LimitNOFILE than this
END
    queue=$(disk_queue)
    if [[ -n $queue ]]; then
        cat <<END
scheduler|$queue/scheduler|none mq-deadline kyber|mq-deadline|bfq costs processor time for every request, to share the disk fairly
read-ahead|$queue/read_ahead_kb|>=16|128|with less a block of the database is read page by page
END
    fi
    for governor in "$ROOT"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do
        [[ -e $governor ]] || continue
        governor=${governor#"$ROOT"}
        echo "governor|$governor|performance|performance|a loop that sleeps between packets never gets full speed"
    done
}

# The queue of the disk that holds the data directory, or its nearest parent that is there.
disk_queue() {
    local directory=$DATA_DIR device
    if [[ -n $DISK ]]; then
        device=/sys/block/$DISK
    else
        while [[ ! -d $directory && $directory == */* && -n $directory ]]; do
            directory=${directory%/*}
        done
        device=$(findmnt -nvo MAJ:MIN --target "${directory:-/}" 2>/dev/null | tail -n 1) || return 0
        device=/sys/dev/block/${device// /}
    fi
    if [[ -d $ROOT$device/queue ]]; then
        echo "$device/queue"
    elif [[ -e $ROOT$device/partition ]]; then
        device=$(readlink -f "$ROOT$device/..") || return 0
        echo "${device#"$ROOT"}/queue"
    fi
}

# The value of a knob: the word in brackets, if there is one.
get() {
    local file=$ROOT$1 text
    read -r text 2>/dev/null <"$file" || return 1
    # Bytes or a share of memory: setting one makes the other 0.
    if [[ $1 == */vm/dirty_background_bytes && $text == 0 ]]; then
        read -r text <"${file%bytes}ratio" || return 1
        echo "ratio:$text"
    elif [[ $text == *\[*\]* ]]; then
        text=${text#*\[}
        echo "${text%%\]*}"
    else
        echo "$text"
    fi
}

put() {
    local file=$ROOT$1 value=$2
    if [[ $value == ratio:* ]]; then
        file=${file%bytes}ratio
        value=${value#ratio:}
    fi
    { printf '%s\n' "$value" >"$file"; } 2>/dev/null
}

# Whether a value is among those accepted.
is_fine() {
    local value=$1 accepted=$2 word
    case $accepted in
    'bytes<='*) [[ $value != ratio:* ]] && ((value <= ${accepted#*=})) ;;
    '<='*) ((value <= ${accepted#*=})) ;;
    '>='*) ((value >= ${accepted#*=})) ;;
    *)
        for word in $accepted; do
            [[ $value == "$word" ]] && return
        done
        return 1
        ;;
    esac
}

# Whether a knob is ours to look at: all but the optional one, or those of --only, without those of --skip.
is_asked_for() {
    if [[ ,$SKIP, == *,$1,* ]]; then
        return 1
    elif [[ -z $ONLY ]]; then
        [[ $1 != "$OPTIONAL" ]]
    else
        [[ ,$ONLY, == *,$1,* ]]
    fi
}

# Lines `name|file|old` of this boot; nothing if there are none.
state() {
    local boot first
    [[ -r $STATE ]] || return 0
    read -r boot <"$BOOT_ID" || return 1
    read -r first <"$STATE" || return 0
    [[ $first == "boot $boot" ]] && tail -n +2 "$STATE"
    return 0
}

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
}

parse_options() {
    while (($#)); do
        case $1 in
        --dry-run)
            # shellcheck disable=SC2034
            DRY_RUN=yes
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        --dir | --disk | --only | --skip)
            if (($# < 2)); then
                echo "$1 needs a value" >&2
                exit 2
            fi
            case $1 in
            --dir) DATA_DIR=$(realpath -m -- "$2") ;;
            --disk) DISK=$2 ;;
            --only) ONLY=$2 ;;
            --skip) SKIP=$2 ;;
            esac
            shift
            ;;
        *)
            echo "unknown option $1; --help lists them" >&2
            exit 2
            ;;
        esac
        shift
    done
    local word words=$ONLY,$SKIP known
    # Those of the disk and of the processors are not on every host.
    known=" $(knobs | cut -d '|' -f 1 | tr '\n' ' ') scheduler read-ahead governor "
    for word in ${words//,/ }; do
        if [[ $known != *" $word "* ]]; then
            echo "there is no knob $word; check.sh lists them" >&2
            exit 2
        fi
    done
}
