//! The slow log: the latest commands that took longer than `slowlog-log-slower-than`.

use std::collections::VecDeque;

use basalt_shard::command::Args;

/// Arguments and bytes of an argument that an entry keeps, as in Redis.
const ARGUMENTS_MAX: usize = 32;
const ARGUMENT_BYTES_MAX: usize = 128;

/// One slow command.
#[derive(Clone, Debug)]
pub(crate) struct SlowCommand {
    pub(crate) id: u64,
    /// Seconds since 1970.
    pub(crate) time_s: u64,
    pub(crate) duration_us: u64,
    pub(crate) arguments: Vec<Vec<u8>>,
    pub(crate) client: String,
    pub(crate) client_name: Vec<u8>,
}

/// Newest first.
#[derive(Default)]
pub(crate) struct SlowLog {
    next_id: u64,
    pub(crate) entries: VecDeque<SlowCommand>,
}

/// The arguments as an entry keeps them: cut, with Redis's words for what was cut off.
pub(crate) fn shortened(args: Args<'_>) -> Vec<Vec<u8>> {
    let shown = if args.len() > ARGUMENTS_MAX { ARGUMENTS_MAX - 1 } else { args.len() };
    let mut arguments: Vec<Vec<u8>> = (0..shown)
        .map(|index| {
            let argument = args.get(index);
            if argument.len() <= ARGUMENT_BYTES_MAX {
                return argument.to_vec();
            }
            let more = argument.len() - ARGUMENT_BYTES_MAX;
            let mut cut = argument[..ARGUMENT_BYTES_MAX].to_vec();
            cut.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
            cut
        })
        .collect();
    if shown < args.len() {
        let more = args.len() - shown;
        arguments.push(format!("... ({more} more arguments)").into_bytes());
    }
    arguments
}

impl SlowLog {
    /// Takes an entry in; its number is given here.
    pub(crate) fn push(&mut self, mut command: SlowCommand, entries_max: usize) {
        command.id = self.next_id;
        self.next_id += 1;
        self.entries.push_front(command);
        self.entries.truncate(entries_max);
    }
}
