//! What a run sends: an endless stream of requests, repeatable from the seed.
//!
//! A request is described to the client by its `Command`. Only a recorded run looks at which
//! connection sends it and when; for the others requests know nothing of connections or time.

use crate::args::{Distribution, LoadArgs};
use crate::command::{COMMAND_COUNT, Command, Mix, Shape};
use crate::error::Result;
use crate::family::Family;
use crate::keys::KeyChooser;
use crate::ledger::Authors;
use crate::rng::Rng;
use crate::template::{Part, Template};
use crate::values::ValueSource;

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one for each thread")]
pub(crate) enum Workload {
    Mixed(Mixed),
    Prefill(Prefill),
    /// Writes that a ledger accounts for.
    Recorded(Authors),
}

impl Workload {
    /// The next request of a connection, sent now.
    pub(crate) fn append_next(
        &mut self,
        connection: usize,
        now_nanos: u64,
        out: &mut Vec<u8>,
    ) -> Command {
        match self {
            Workload::Mixed(mixed) => mixed.append_next(out),
            Workload::Prefill(prefill) => prefill.append_next(out),
            Workload::Recorded(authors) => authors.append_next(connection, now_nanos, out),
        }
    }

    pub(crate) fn is_recorded(&self) -> bool {
        matches!(self, Workload::Recorded(_))
    }
}

/// Commands at random from the mix, on keys at random from the distribution.
#[derive(Debug)]
pub(crate) struct Mixed {
    rng: Rng,
    mix: Mix,
    templates: [Option<Template>; COMMAND_COUNT],
    keys: KeyChooser,
    fields: u64,
    values: ValueSource,
}

impl Mixed {
    pub(crate) fn new(load: &LoadArgs, thread: usize) -> Result<Mixed> {
        let mix = load.mix()?;
        let shape =
            Shape { keys_per_command: load.keys_per_command, expire_seconds: load.expire_seconds };
        let mut templates = [const { None }; COMMAND_COUNT];
        for command in mix.commands() {
            let parts = command.parts(shape);
            templates[command.index()] =
                Some(Template::new(&load.key_prefix, command.family(), &parts));
        }
        let keys = match load.distribution {
            Distribution::Uniform => KeyChooser::uniform(load.keys),
            Distribution::Zipf => KeyChooser::zipf(load.keys, load.theta),
            Distribution::Sequential => {
                KeyChooser::sequential(load.keys, thread as u64, load.threads as u64)
            }
        };
        Ok(Mixed {
            rng: Rng::for_stream(load.seed, thread as u64),
            mix,
            templates,
            keys,
            fields: load.fields,
            values: load.values(),
        })
    }

    fn append_next(&mut self, out: &mut Vec<u8>) -> Command {
        let command = self.mix.pick(&mut self.rng);
        if let Some(template) = &self.templates[command.index()] {
            let (keys, fields) = (&mut self.keys, self.fields);
            let next_key = |rng: &mut Rng| keys.next(rng);
            let next_field = |rng: &mut Rng| rng.below(fields);
            template.append(&mut self.rng, &self.values, next_key, next_field, out);
        }
        command
    }
}

/// Every key of every family that the mix touches, once: key 0 of each, key 1 of each, …
#[derive(Debug)]
pub(crate) struct Prefill {
    rng: Rng,
    writers: Vec<(Command, Template)>,
    next: u64,
    step: u64,
    values: ValueSource,
}

impl Prefill {
    /// The part of one of `threads` threads, and how many requests that is.
    pub(crate) fn new(load: &LoadArgs, thread: usize, threads: usize) -> Result<(Prefill, u64)> {
        let writers: Vec<(Command, Template)> = Prefill::families(&load.mix()?)
            .into_iter()
            .map(|family| {
                let (command, parts) = Prefill::request(family, load.fields);
                (command, Template::new(&load.key_prefix, Some(family), &parts))
            })
            .collect();
        let total = load.keys * writers.len() as u64;
        let (thread, step) = (thread as u64, threads as u64);
        let count = total / step + u64::from(total % step > thread);
        let rng = Rng::for_stream(load.seed, u64::MAX - thread);
        Ok((Prefill { rng, writers, next: thread, step, values: load.values() }, count))
    }

    fn families(mix: &Mix) -> Vec<Family> {
        [Family::String, Family::Counter, Family::Hash]
            .into_iter()
            .filter(|family| mix.commands().any(|command| command.family() == Some(*family)))
            .collect()
    }

    fn request(family: Family, fields: u64) -> (Command, Vec<Part>) {
        let text = |text: &str| Part::Text(text.to_owned());
        match family {
            Family::String => (Command::Set, vec![text("SET"), Part::Key, Part::Value]),
            Family::Counter => (Command::Set, vec![text("SET"), Part::Key, text("0")]),
            Family::Hash => {
                let mut parts = vec![text("HSET"), Part::Key];
                parts.extend((0..fields).flat_map(|n| [Part::FixedField(n), Part::Value]));
                (Command::Hset, parts)
            }
        }
    }

    fn append_next(&mut self, out: &mut Vec<u8>) -> Command {
        let kinds = self.writers.len() as u64;
        let key = self.next / kinds;
        let (command, template) = &self.writers[(self.next % kinds) as usize];
        template.append(&mut self.rng, &self.values, |_| key, |_| 0, out);
        self.next += self.step;
        *command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::tests::load_of;

    fn texts(workload: &mut Workload, count: u64) -> Vec<String> {
        let one = |_| {
            let mut out = Vec::new();
            workload.append_next(0, 0, &mut out);
            String::from_utf8_lossy(&out).replace("\r\n", " ")
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn the_seed_decides_the_requests() {
        let stream = |seed: &str| {
            let load = load_of(&["--mix", "get,set,hget", "--seed", seed]);
            texts(&mut Workload::Mixed(Mixed::new(&load, 0).expect("valid")), 50)
        };
        assert_eq!(stream("1"), stream("1"));
        assert_ne!(stream("1"), stream("2"));
    }

    #[test]
    fn prefill_writes_each_key_of_each_family_once() {
        let load = load_of(&[
            "--mix",
            "get,hget,incr",
            "--keys",
            "7",
            "--fields",
            "2",
            "--value-size",
            "1",
            "--value-kind",
            "constant",
        ]);
        let mut all = Vec::new();
        for thread in 0..4 {
            let (prefill, count) = Prefill::new(&load, thread, 4).expect("valid");
            all.extend(texts(&mut Workload::Prefill(prefill), count));
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 21);
        let expect = |text: &str| assert!(all.iter().any(|seen| seen == text), "{text}");
        expect("*3 $3 SET $16 key:000000000006 $1 x ");
        expect("*3 $3 SET $24 key:counter:000000000000 $1 0 ");
        expect("*6 $4 HSET $21 key:hash:000000000003 $5 f0000 $1 x $5 f0001 $1 x ");
    }
}
