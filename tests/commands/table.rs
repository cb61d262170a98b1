//! The command table as a client sees it in the reply to `COMMAND`.

use std::collections::BTreeSet;

use crate::common::{Client, Value};

#[derive(Clone)]
pub struct Entry {
    /// In lower case; a subcommand as `container|subcommand`.
    pub name: String,
    /// With the name itself; negative: at least so many.
    pub arity: i64,
    pub flags: BTreeSet<String>,
    /// Position of the first and last key and the step between them.
    pub keys: (i64, i64, i64),
    pub acl_categories: BTreeSet<String>,
    pub tips: BTreeSet<String>,
    pub key_specs: Vec<Value>,
    pub subcommands: Vec<Entry>,
}

impl Entry {
    fn parse(value: &Value) -> Self {
        let fields = value.items();
        assert_eq!(fields.len(), 10, "fields of a command: {value:?}");
        let texts = |value: &Value| value.items().iter().map(Value::text).collect();
        Self {
            name: fields[0].text(),
            arity: fields[1].int(),
            flags: texts(&fields[2]),
            keys: (fields[3].int(), fields[4].int(), fields[5].int()),
            acl_categories: texts(&fields[6]),
            tips: texts(&fields[7]),
            key_specs: fields[8].items(),
            subcommands: fields[9].items().iter().map(Self::parse).collect(),
        }
    }

    /// The words that call it, without arguments.
    pub fn words(&self) -> Vec<String> {
        self.name.split('|').map(str::to_owned).collect()
    }
}

/// All commands, without their subcommands.
pub fn commands(client: &mut Client) -> Vec<Entry> {
    let mut entries: Vec<Entry> = client.run("COMMAND").items().iter().map(Entry::parse).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// All commands, each followed by its subcommands.
pub fn commands_and_subcommands(client: &mut Client) -> Vec<Entry> {
    let with_subcommands = |entry: Entry| {
        let subcommands = entry.subcommands.clone();
        std::iter::once(entry).chain(subcommands)
    };
    commands(client).into_iter().flat_map(with_subcommands).collect()
}

/// Some commands by name; `None` for one that the server does not have.
pub fn info(client: &mut Client, names: &[String]) -> Vec<Option<Entry>> {
    let mut args = vec!["COMMAND".to_owned(), "INFO".to_owned()];
    args.extend_from_slice(names);
    let known = |value: &Value| (!value.is_null()).then(|| Entry::parse(value));
    client.call(&args).items().iter().map(known).collect()
}
