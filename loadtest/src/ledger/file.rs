//! The ledger as a file: text, a line for each write, in the order of each writer.
//!
//! ```text
//! basalt-ledger 1
//! run 643f1a2b3c4d5
//! prefix key:643f1a2b3c4d5:
//! began 1763900000123456
//! writer 0 lost 812345
//! 120 +480 set string 42 100
//! 125 -500 append string 42 30
//! 130 ? hset hash 8 0 17 24
//! end
//! ```
//!
//! A write's line has when it was sent and when it was acknowledged (`+`) or refused (`-`), in
//! microseconds after the beginning, what it was, its key and its arguments. `end` says that the
//! file is complete.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::write::{Change, Write};
use super::{Ledger, Reply, Sent, Writer};
use crate::error::{Failure, Result};
use crate::family::Family;

const MAGIC: &str = "basalt-ledger 1";
const FAMILIES: [(&str, Family); 3] =
    [("string", Family::String), ("counter", Family::Counter), ("hash", Family::Hash)];

impl Ledger {
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let about = |error| Failure::new(format!("{}: {error}", path.display()));
        let file = fs::File::create(path).map_err(about)?;
        let mut out = BufWriter::new(file);
        self.write(&mut out).and_then(|()| out.flush()).map_err(about)
    }

    fn write(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        writeln!(out, "{MAGIC}\nrun {:x}\nprefix {}", self.run, self.prefix)?;
        writeln!(out, "began {}", self.began_unix_micros)?;
        for writer in &self.writers {
            write!(out, "writer {}", writer.id)?;
            match writer.lost_micros {
                Some(micros) => writeln!(out, " lost {micros}")?,
                None => writeln!(out)?,
            }
            for (index, sent) in writer.writes.iter().enumerate() {
                write!(out, "{} ", sent.micros)?;
                match writer.replies.get(index) {
                    Some(Reply { micros, refused: false }) => write!(out, "+{micros} ")?,
                    Some(Reply { micros, refused: true }) => write!(out, "-{micros} ")?,
                    None => write!(out, "? ")?,
                }
                write_change(&sent.write, out)?;
            }
        }
        writeln!(out, "end")
    }

    pub(crate) fn load(path: &Path) -> Result<Ledger> {
        let about = |text: String| Failure::new(format!("{}: {text}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| about(error.to_string()))?;
        parse(&text).map_err(|line| about(format!("line {line} is not one of a ledger")))
    }
}

fn write_change(write: &Write, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let name = FAMILIES.iter().find(|(_, family)| *family == write.family);
    let at = format!("{} {}", name.map_or("", |(name, _)| name), write.key);
    match write.change {
        Change::Set { size, volatile: false } => writeln!(out, "set {at} {size}"),
        Change::Set { size, volatile: true } => writeln!(out, "setpxat {at} {size}"),
        Change::Append { size } => writeln!(out, "append {at} {size}"),
        Change::Delete => writeln!(out, "del {at}"),
        Change::Increment => writeln!(out, "incr {at}"),
        Change::SetFields { first, count, size } => {
            writeln!(out, "hset {at} {first} {count} {size}")
        }
        Change::DeleteField { field } => writeln!(out, "hdel {at} {field}"),
        Change::Expire => writeln!(out, "pexpireat {at}"),
        Change::Persist => writeln!(out, "persist {at}"),
    }
}

/// On an error the number of the line that is wrong.
fn parse(text: &str) -> std::result::Result<Ledger, usize> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let mut head = |name: &str| {
        let (number, line) = lines.next().ok_or(0usize)?;
        line.strip_prefix(name).map(|rest| (number, rest)).ok_or(number)
    };
    if !head(MAGIC)?.1.is_empty() {
        return Err(1);
    }
    let (number, run) = head("run ")?;
    let run = u64::from_str_radix(run, 16).map_err(|_| number)?;
    let prefix = head("prefix ")?.1.to_owned();
    let (number, began) = head("began ")?;
    let began_unix_micros = began.parse().map_err(|_| number)?;
    let mut ledger = Ledger { run, prefix, began_unix_micros, writers: Vec::new() };
    for (number, line) in lines {
        if line == "end" {
            return Ok(ledger);
        }
        if let Some(rest) = line.strip_prefix("writer ") {
            ledger.writers.push(parse_writer(rest).ok_or(number)?);
            continue;
        }
        let writer = ledger.writers.last_mut().ok_or(number)?;
        let (sent, reply) = parse_write(line).ok_or(number)?;
        if let Some(reply) = reply {
            // Replies come in order, so none can follow a write without one.
            (writer.replies.len() == writer.writes.len()).then_some(()).ok_or(number)?;
            writer.replies.push(reply);
        }
        writer.writes.push(sent);
    }
    Err(text.lines().count())
}

fn parse_writer(rest: &str) -> Option<Writer> {
    let (id, lost) = match rest.split_once(" lost ") {
        Some((id, lost)) => (id, Some(lost.parse().ok()?)),
        None => (rest, None),
    };
    Some(Writer { id: id.parse().ok()?, lost_micros: lost, ..Writer::default() })
}

fn parse_write(line: &str) -> Option<(Sent, Option<Reply>)> {
    let mut words = line.split(' ');
    let micros = words.next()?.parse().ok()?;
    let reply = match words.next()?.split_at_checked(1)? {
        ("?", "") => None,
        ("+", at) => Some(Reply { micros: at.parse().ok()?, refused: false }),
        ("-", at) => Some(Reply { micros: at.parse().ok()?, refused: true }),
        _ => return None,
    };
    let (verb, family) = (words.next()?, words.next()?);
    let (_, family) = *FAMILIES.iter().find(|(name, _)| *name == family)?;
    let numbers = words.map(|word| word.parse().ok()).collect::<Option<Vec<u64>>>()?;
    let (&key, arguments) = numbers.split_first()?;
    let change = match (verb, arguments) {
        ("set", &[size]) => Change::Set { size: u32::try_from(size).ok()?, volatile: false },
        ("setpxat", &[size]) => Change::Set { size: u32::try_from(size).ok()?, volatile: true },
        ("append", &[size]) => Change::Append { size: u32::try_from(size).ok()? },
        ("del", []) => Change::Delete,
        ("incr", []) => Change::Increment,
        ("hset", &[first, count, size]) => {
            let (first, count) = (u16::try_from(first).ok()?, u16::try_from(count).ok()?);
            first.checked_add(count)?;
            Change::SetFields { first, count, size: u32::try_from(size).ok()? }
        }
        ("hdel", &[field]) => Change::DeleteField { field: u16::try_from(field).ok()? },
        ("pexpireat", []) => Change::Expire,
        ("persist", []) => Change::Persist,
        _ => return None,
    };
    Some((Sent { micros, write: Write { family, key, change } }, reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "basalt-ledger 1\nrun 643f\nprefix key:643f:\nbegan 17\n\
        writer 0 lost 812345\n120 +480 set string 42 100\n121 +480 setpxat string 42 100\n\
        125 -500 append string 42 30\n130 ? hset hash 8 0 17 24\n131 ? hdel hash 8 2\n\
        writer 1\n1 +2 incr counter 3\n1 +2 del counter 3\n3 +4 pexpireat hash 1\n\
        3 +4 persist hash 1\nend\n";

    #[test]
    fn what_is_written_is_read() {
        let ledger = parse(TEXT).expect("valid");
        assert_eq!(ledger.writers.len(), 2);
        assert_eq!(ledger.writers[0].replies.len(), 3);
        assert!(ledger.writers[0].was_refused(2));
        assert_eq!(ledger.end_micros(), 812_345);
        let mut out = Vec::new();
        ledger.write(&mut out).expect("write to memory");
        assert_eq!(String::from_utf8_lossy(&out), TEXT);
    }

    #[test]
    fn a_file_that_is_cut_short_or_damaged_is_refused_by_its_line() {
        assert_eq!(parse(""), Err(0));
        assert_eq!(parse("basalt-ledger 2\n"), Err(1));
        assert_eq!(parse(TEXT.strip_suffix("end\n").expect("complete")), Err(15));
        for (good, bad, line) in [
            ("set string 42 100", "set string 42", 6),
            ("set string 42 100", "set string", 6),
            ("set string 42 100", "set list 42 100", 6),
            ("125 -500", "125 500", 8),
            ("120 +480", "120 ?", 7),
            ("writer 1", "writer x", 11),
        ] {
            assert_eq!(parse(&TEXT.replacen(good, bad, 1)), Err(line), "{bad}");
        }
    }
}
