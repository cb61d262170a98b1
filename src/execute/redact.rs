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
            // As HELLO reads them: the name behind SETNAME may itself be called `auth`.
            let mut index = 2;
            while index < args.len() {
                if args.is(index, "auth") {
                    hide(index + 1);
                    hide(index + 2);
                    index += 3;
                } else {
                    index += if args.is(index, "setname") { 2 } else { 1 };
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_shard::command::table::Table;
    use basalt_shard::resp::Span;

    fn check(line: &str, expected: &str) {
        let table = Table::new(crate::commands::process_specs());
        let mut start = 0;
        let spans: Vec<Span> = line
            .split(' ')
            .map(|word| {
                let span = Span { start, len: word.len() as u32 };
                start += span.len + 1;
                span
            })
            .collect();
        let args = Args::new(line.as_bytes(), &spans);
        let entry = table.lookup(args).unwrap();
        let all = args.iter_from(0).map(<[u8]>::to_vec).collect();
        let shown = String::from_utf8(arguments(entry, args, all).join(&b' ')).unwrap();
        assert_eq!(shown, expected.replace('*', "(redacted)"), "{line}");
    }

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        check("AUTH secret", "AUTH *");
        check("auth default secret", "auth * *");
        check("HELLO 3 AUTH default secret SETNAME me", "HELLO 3 AUTH * * SETNAME me");
        check("HELLO 3 SETNAME auth AUTH default secret", "HELLO 3 SETNAME auth AUTH * *");
        check("HELLO 3 AUTH a b AUTH c d", "HELLO 3 AUTH * * AUTH * *");
        check("HELLO 3 AUTH default", "HELLO 3 AUTH *");
        check("CONFIG SET port 1 requirepass secret", "CONFIG SET port 1 requirepass *");
        check("CONFIG SET RequirePass secret timeout 1", "CONFIG SET RequirePass * timeout 1");
        check("PING secret", "PING secret");
    }
}
