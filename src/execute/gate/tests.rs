//! The order of the checks, by requests that two of them refuse at once. Expected is what
//! redis-server 7.0 answers in the same circumstances.

use super::*;
use basalt_shard::resp::Span;

const FINE: Circumstances = Circumstances {
    is_authenticated: true,
    is_in_subscribed_mode: false,
    is_disk_full: false,
    held: Held::Nothing,
};
const STRANGER: Circumstances = Circumstances { is_authenticated: false, ..FINE };
const SUBSCRIBER: Circumstances = Circumstances { is_in_subscribed_mode: true, ..FINE };
const FULL: Circumstances = Circumstances { is_disk_full: true, ..FINE };
const PAUSED: Circumstances = Circumstances { held: Held::Everything, ..FINE };
const WRITES_PAUSED: Circumstances = Circumstances { held: Held::Writes, ..FINE };
/// Every check that can fail does.
const ALL: Circumstances = Circumstances {
    is_authenticated: false,
    is_in_subscribed_mode: true,
    is_disk_full: true,
    held: Held::Everything,
};

const NOSUCH: &str = "ERR unknown command 'NOSUCH', with args beginning with: ";
const NOSUCH_CONFIG: &str = "ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.";
const SET_ARITY: &str = "ERR wrong number of arguments for 'set' command";
const CONFIG_ARITY: &str = "ERR wrong number of arguments for 'config' command";
const NOAUTH: &str = "NOAUTH Authentication required.";
const MISCONF: &str = "MISCONF Errors writing to the AOF file: No space left on device";
const SUBSCRIBED_GET: &str = "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / \
                              PING / QUIT / RESET are allowed in this context";
const RUNS: &str = "(runs)";
const WAITS: &str = "(waits)";

fn outcome(line: &str, circumstances: Circumstances) -> String {
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
    match check_in(&table, Args::new(line.as_bytes(), &spans), circumstances) {
        Outcome::Run(_) => RUNS.to_owned(),
        Outcome::Wait(_) => WAITS.to_owned(),
        Outcome::Refuse(refusal) => String::from_utf8(refusal.text.into_owned()).unwrap(),
        Outcome::Close => "(closes)".to_owned(),
    }
}

#[test]
fn of_two_checks_that_fail_the_first_answers() {
    let without_auth = Circumstances { is_authenticated: true, ..ALL };
    let full_and_paused = Circumstances { held: Held::Everything, ..FULL };
    let subscribed_and_paused = Circumstances { held: Held::Everything, ..SUBSCRIBER };
    for (line, circumstances, expected) in [
        // Whether there is such a command, and its arguments, before who asks.
        ("NOSUCH", ALL, NOSUCH),
        ("CONFIG NOSUCH", ALL, NOSUCH_CONFIG),
        ("CONFIG", ALL, CONFIG_ARITY),
        ("SET key", ALL, SET_ARITY),
        ("SET key", STRANGER, SET_ARITY),
        // Who asks, before the disk.
        ("SET key value", ALL, NOAUTH),
        ("SET key value", Circumstances { is_disk_full: true, ..STRANGER }, NOAUTH),
        // The disk, before the mode of the connection.
        ("SET key value", without_auth, MISCONF),
        ("SET key value", Circumstances { is_disk_full: true, ..SUBSCRIBER }, MISCONF),
        ("GET key", without_auth, SUBSCRIBED_GET),
        // All of that, before a pause.
        ("NOSUCH", PAUSED, NOSUCH),
        ("SET key", PAUSED, SET_ARITY),
        ("SET key value", Circumstances { held: Held::Everything, ..STRANGER }, NOAUTH),
        ("SET key value", full_and_paused, MISCONF),
        ("GET key", subscribed_and_paused, SUBSCRIBED_GET),
        ("PING", subscribed_and_paused, WAITS),
        ("AUTH password", Circumstances { held: Held::Everything, ..STRANGER }, WAITS),
    ] {
        assert_eq!(outcome(line, circumstances), expected, "{line}");
    }
}

#[test]
fn each_check_by_itself() {
    for (line, circumstances, expected) in [
        ("SET key value", FINE, RUNS),
        ("GET key", STRANGER, NOAUTH),
        ("AUTH password", STRANGER, RUNS),
        ("GET key", SUBSCRIBER, SUBSCRIBED_GET),
        ("PING", SUBSCRIBER, RUNS),
        ("SET key value", FULL, MISCONF),
        // What makes room is let through.
        ("DEL key", FULL, RUNS),
        ("GET key", FULL, RUNS),
        ("GET key", PAUSED, WAITS),
        ("GET key", WRITES_PAUSED, RUNS),
        ("SET key value", WRITES_PAUSED, WAITS),
        ("POST / HTTP/1.1", FINE, "(closes)"),
        ("host: example", ALL, "(closes)"),
    ] {
        assert_eq!(outcome(line, circumstances), expected, "{line}");
    }
}

#[test]
fn what_is_repeated_of_a_request_is_cut() {
    let long = "x".repeat(200);
    let text = outcome(&format!("{long} {long} b"), FINE);
    let cut = &long[..128];
    assert_eq!(text, format!("ERR unknown command '{cut}', with args beginning with: '{cut}' "));
    assert_eq!(
        outcome("no\0such a\0b c", FINE),
        "ERR unknown command 'no', with args beginning with: 'a' 'c' "
    );
}
