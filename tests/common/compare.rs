//! Which replies count as equal. Everything is compared as it came, except where Redis itself
//! leaves the order or the value open, and except the few places where Redis 7.2, which Basalt
//! follows, answers otherwise than the redis-server 7.0 at hand.

use super::Value;
use super::grammar::Compare;

pub fn equal(compare: Compare, command: &str, oracle: &Value, target: &Value) -> bool {
    if oracle == target || changed_in_7_2(command, oracle, target) || is_packed_list(oracle, target)
    {
        return true;
    }
    if oracle.is_error() || target.is_error() {
        return false;
    }
    match compare {
        Compare::Exact => false,
        Compare::Encoding => {
            let encodings = (Value::Bulk(b"hashtable".to_vec()), Value::Bulk(b"listpack".to_vec()));
            (oracle, target) == (&encodings.0, &encodings.1)
        }
        Compare::AnyOrder | Compare::HashOrder => sorted(oracle) == sorted(target),
        Compare::HashPairs => sorted_pairs(oracle) == sorted_pairs(target),
        Compare::Shape => same_shape(oracle, target),
        Compare::Scores => same_scores(oracle, target),
        Compare::AnyScores => same_scores(&sorted(oracle), &sorted(target)),
        Compare::Near(slack) => near(oracle, target, slack),
        Compare::ErrorsOnly => true,
    }
}

/// Replies that are different in Redis 7.2, by its release notes.
fn changed_in_7_2(command: &str, oracle: &Value, target: &Value) -> bool {
    match command {
        // Arguments are checked before the key is looked up: a missing key no longer hides them.
        "BITCOUNT" | "BITPOS" => {
            matches!(oracle, Value::Int(0 | -1))
                && matches!(target, Value::Error(text)
                    if text.starts_with(b"ERR value is not an integer")
                        || text.starts_with(b"ERR syntax error")
                        || text.starts_with(b"ERR The bit argument"))
        }
        // WITHSCORE is new: there may be another argument.
        "ZRANK" | "ZREVRANK" => {
            let is_arity = |text: &[u8]| text.starts_with(b"ERR wrong number of arguments");
            matches!((oracle, target), (Value::Error(text), Value::Error(_)) if is_arity(text))
        }
        _ => false,
    }
}

/// Encodings of a list that Redis keeps in one piece since 7.2.
fn is_packed_list(oracle: &Value, target: &Value) -> bool {
    let is = |value: &Value, name: &[u8]| matches!(value, Value::Bulk(text) if text == name);
    is(oracle, b"quicklist") && is(target, b"listpack")
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(sorted_items(items)),
        Value::Set(items) => Value::Set(sorted_items(items)),
        other => other.clone(),
    }
}

fn sorted_items(items: &[Value]) -> Vec<Value> {
    let mut items = items.to_vec();
    items.sort();
    items
}

fn sorted_pairs(value: &Value) -> Value {
    match value {
        Value::Map(pairs) => {
            let mut pairs = pairs.clone();
            pairs.sort();
            Value::Map(pairs)
        }
        Value::Array(items) => {
            let pairs = items.chunks(2).map(|pair| Value::Array(pair.to_vec())).collect();
            sorted(&Value::Array(pairs))
        }
        other => other.clone(),
    }
}

fn same_shape(oracle: &Value, target: &Value) -> bool {
    let same_items = |a: &[Value], b: &[Value]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
    };
    match (oracle, target) {
        (Value::Array(a), Value::Array(b)) | (Value::Set(a), Value::Set(b)) => same_items(a, b),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| same_shape(&a.0, &b.0) && same_shape(&a.1, &b.1))
        }
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Numbers are the same, however they are printed: 7.2 prints doubles in fewer digits.
fn same_scores(oracle: &Value, target: &Value) -> bool {
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
    match (oracle, target) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_scores(a, b))
        }
        (Value::Bulk(a), Value::Bulk(b)) | (Value::Double(a), Value::Double(b)) => {
            a == b || number(a).is_some_and(|a| Some(a) == number(b))
        }
        (a, b) => a == b,
    }
}

fn near(oracle: &Value, target: &Value, slack: i64) -> bool {
    match (oracle, target) {
        // -1 and -2 say that there is no time to tell: those are exact.
        (Value::Int(a), Value::Int(b)) => *a >= 0 && *b >= 0 && a.abs_diff(*b) <= slack as u64,
        _ => false,
    }
}
