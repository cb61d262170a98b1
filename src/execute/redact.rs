//! What must not be seen in the slow log and by MONITOR: passwords. The rows of commands say where
//! they stand.

use basalt_shard::command::{Args, CommandSpec};

const REDACTED: &[u8] = b"(redacted)";

/// The arguments, as far as they are shown, with secrets replaced.
pub(crate) fn arguments(
    spec: &CommandSpec,
    args: Args<'_>,
    mut shown: Vec<Vec<u8>>,
) -> Vec<Vec<u8>> {
    let secrets = spec.secrets.map(|secrets| secrets(args)).unwrap_or_default();
    for index in secrets {
        if let Some(argument) = shown.get_mut(index) {
            *argument = REDACTED.to_vec();
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use basalt_shard::resp::Span;

    use crate::thread::process_command::Table;

    fn check(line: &str, expected: &str) {
        let table = Table::new(crate::commands::rows());
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
        let shown = String::from_utf8(arguments(entry.spec, args, all).join(&b' ')).unwrap();
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
