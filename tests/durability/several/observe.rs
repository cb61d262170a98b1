//! What a server has of a writer's keys.

use std::collections::BTreeMap;

use super::load::name;
use super::model::{Content, DATABASES, Form, KEYS, Slots};
use crate::common::{Client, Server, Value};

/// The slots of writer number `writer`. An error: something is there that nobody wrote.
pub fn observe(server: &Server, writer: usize) -> Result<Slots, String> {
    let mut client = server.client();
    let mut slots = Slots::default();
    for (db, slots) in slots.iter_mut().enumerate() {
        client.ok(&format!("SELECT {}", writer * DATABASES + db));
        for (key, slot) in slots.iter_mut().enumerate() {
            *slot = look(&mut client, &name(key)).map_err(|why| format!("{db}/{key}: {why}"))?;
        }
        let (there, size) = (slots.iter().flatten().count(), client.run("DBSIZE").int());
        if size != there as i64 {
            return Err(format!("DBSIZE of {db} is {size} with {there} of {KEYS} keys"));
        }
    }
    Ok(slots)
}

fn look(client: &mut Client, key: &str) -> Result<Option<Content>, String> {
    let kind = client.run(&format!("TYPE {key}"));
    let content = match &kind {
        Value::Simple(kind) if kind == b"none" => return Ok(None),
        Value::Simple(kind) if kind == b"string" => {
            let text = client.run(&format!("GET {key}")).bytes().to_vec();
            let stamp = stamp_of(&text)?;
            let forms = [Form::Short, Form::Long].into_iter();
            forms
                .map(|form| Content { stamp, form })
                .find(|content| content.text() == text)
                .ok_or_else(|| format!("{} bytes, not those of {stamp}", text.len()))?
        }
        Value::Simple(kind) if kind == b"hash" => {
            let pairs = client.run(&format!("HGETALL {key}")).pairs();
            let fields: BTreeMap<Vec<u8>, Vec<u8>> = pairs
                .into_iter()
                .map(|(field, value)| (field.bytes().to_vec(), value.bytes().to_vec()))
                .collect();
            let stamp = stamp_of(fields.values().next().ok_or("a hash without fields")?)?;
            let content = Content { stamp, form: Form::Hash };
            if fields != content.fields().collect() {
                return Err(format!("{} fields, not those of {stamp}", fields.len()));
            }
            content
        }
        other => return Err(format!("TYPE: {other:?}")),
    };
    Ok(Some(content))
}

fn stamp_of(text: &[u8]) -> Result<u64, String> {
    let digits: String = text
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .map(|byte| char::from(*byte))
        .collect();
    digits.parse().map_err(|_| format!("no stamp in {} bytes", text.len()))
}
