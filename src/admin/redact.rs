//! What must not be seen in the slow log and by MONITOR: passwords.

use basalt_shard::command::Args;
use basalt_shard::command::table::Entry;

const REDACTED: &[u8] = b"(redacted)";

/// The arguments with secrets replaced.
pub(crate) fn arguments(entry: &Entry, args: Args<'_>, mut shown: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut hide = |index: usize| {
        if let Some(argument) = shown.get_mut(index) {
            *argument = REDACTED.to_vec();
        }
    };
    match entry.full_name.as_str() {
        "auth" => (1..args.len()).for_each(hide),
        "hello" => {
            let auth = (1..args.len()).find(|index| args.is(*index, "auth"));
            if let Some(auth) = auth {
                hide(auth + 1);
                hide(auth + 2);
            }
        }
        "config|set" => {
            for index in (2..args.len()).step_by(2) {
                let secret = crate::config::table::directive(args.get(index))
                    .is_some_and(|directive| directive.secret);
                if secret {
                    hide(index + 1);
                }
            }
        }
        _ => {}
    }
    shown
}
