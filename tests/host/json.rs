//! Reads JSON, as far as the doctor writes it: no fractions, no `null`.

use std::collections::BTreeMap;

#[derive(Debug, PartialEq)]
pub enum Json {
    Text(String),
    Number(u64),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Panics on what is not JSON.
    pub fn parse(text: &str) -> Self {
        let mut rest = text;
        let value = value(&mut rest);
        assert_eq!(rest.trim(), "", "behind the end");
        value
    }

    pub fn get(&self, name: &str) -> &Self {
        match self {
            Self::Object(fields) => fields.get(name).unwrap_or_else(|| panic!("no {name:?}")),
            other => panic!("no object: {other:?}"),
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    pub fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            other => panic!("no number: {other:?}"),
        }
    }

    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            other => panic!("no list: {other:?}"),
        }
    }
}

fn take(rest: &mut &str, wanted: &str) -> bool {
    let trimmed = rest.trim_start();
    let found = trimmed.strip_prefix(wanted);
    *rest = found.unwrap_or(trimmed);
    found.is_some()
}

fn value(rest: &mut &str) -> Json {
    if take(rest, "{") {
        let mut fields = BTreeMap::new();
        while !take(rest, "}") {
            assert!(fields.is_empty() || take(rest, ","), "at {rest:?}");
            assert!(take(rest, "\""), "a name at {rest:?}");
            let name = string(rest);
            assert!(take(rest, ":"), "at {rest:?}");
            assert!(fields.insert(name, value(rest)).is_none(), "a name twice before {rest:?}");
        }
        Json::Object(fields)
    } else if take(rest, "[") {
        let mut list = Vec::new();
        while !take(rest, "]") {
            assert!(list.is_empty() || take(rest, ","), "at {rest:?}");
            list.push(value(rest));
        }
        Json::List(list)
    } else if take(rest, "\"") {
        Json::Text(string(rest))
    } else {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, behind) = rest.split_at(end);
        *rest = behind;
        Json::Number(digits.parse().unwrap_or_else(|e| panic!("{e} at {digits:?}{behind:?}")))
    }
}

/// The rest of a string, behind its opening quote.
fn string(rest: &mut &str) -> String {
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next().expect("an end of the string") {
            '"' => break,
            '\\' => match characters.next().expect("what is escaped") {
                'u' => {
                    let digits: String = characters.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).expect("a code");
                    text.push(char::from_u32(code).expect("a character"));
                }
                plain => text.push(plain),
            },
            control if control.is_control() => panic!("{control:?} in a string"),
            plain => text.push(plain),
        }
    }
    *rest = characters.as_str();
    text
}
