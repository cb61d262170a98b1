//! `notify-keyspace-events`: classes of events as letters.

use basalt_shard::effects::Classes;

/// What `A` stands for: every class but key misses and new keys.
const ALL: Classes = Classes::GENERIC
    .and(Classes::STRING)
    .and(Classes::LIST)
    .and(Classes::SET)
    .and(Classes::HASH)
    .and(Classes::ZSET)
    .and(Classes::EXPIRED)
    .and(Classes::EVICTED)
    .and(Classes::STREAM)
    .and(Classes::MODULE);

/// Letters in the order in which they are shown, those that `A` covers first.
const LETTERS: [(u8, Classes); 14] = [
    (b'g', Classes::GENERIC),
    (b'$', Classes::STRING),
    (b'l', Classes::LIST),
    (b's', Classes::SET),
    (b'h', Classes::HASH),
    (b'z', Classes::ZSET),
    (b'x', Classes::EXPIRED),
    (b'e', Classes::EVICTED),
    (b't', Classes::STREAM),
    (b'd', Classes::MODULE),
    (b'n', Classes::NEW),
    (b'K', Classes::KEYSPACE),
    (b'E', Classes::KEYEVENT),
    (b'm', Classes::KEY_MISS),
];

/// The classes that these letters stand for.
pub(super) fn parse(word: &[u8]) -> Result<Classes, String> {
    word.iter().try_fold(Classes::default(), |classes, byte| {
        let more = match byte {
            b'A' => Some(ALL),
            letter => LETTERS.iter().find(|(it, _)| it == letter).map(|(_, class)| *class),
        };
        let more = more.ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
        Ok(classes.and(more))
    })
}

/// The text that CONFIG GET prints. Redis 7.2 leaves out `n` where `A` stands; so does this.
pub(super) fn show(classes: Classes) -> String {
    let shown = letters(classes);
    if shown.starts_with('A') { shown.replace('n', "") } else { shown }
}

/// All that is set, so that a rewritten file reads back to the same events.
pub(super) fn letters(classes: Classes) -> String {
    let all = classes.contains(ALL);
    let mut shown = String::from(if all { "A" } else { "" });
    for (letter, class) in LETTERS {
        if classes.contains(class) && !(all && ALL.contains(class)) {
            shown.push(char::from(letter));
        }
    }
    shown
}
