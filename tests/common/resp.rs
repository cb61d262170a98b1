//! RESP2 and RESP3 as the tests see it: values that keep what was on the wire (a null array is
//! not a null bulk, a double keeps its digits), a parser over a byte buffer, an encoder.
//!
//! Written for tests: a malformed reply is an error that names the bytes, and nothing here is
//! shared with the server.

use std::fmt;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    NullBulk,
    NullArray,
    Array(Vec<Value>),
    // RESP3 from here on.
    Null,
    Bool(bool),
    Double(Vec<u8>),
    BigNumber(Vec<u8>),
    BulkError(Vec<u8>),
    /// Three letters of format, a colon, the text: kept as one.
    Verbatim(Vec<u8>),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Push(Vec<Value>),
    Attribute(Vec<(Value, Value)>, Box<Value>),
}

/// Why no value could be taken from a buffer.
#[derive(Debug)]
pub enum Incomplete {
    /// The value goes on after the end of the buffer.
    NeedMore,
    /// These bytes are no RESP.
    Malformed(String),
}

/// Takes one value from the front of `input`; says how many bytes it took.
pub fn parse(input: &[u8]) -> Result<(Value, usize), Incomplete> {
    let mut parser = Parser { input, at: 0 };
    let value = parser.value()?;
    Ok((value, parser.at))
}

/// One request, as an array of bulk strings.
pub fn encode_request<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

struct Parser<'a> {
    input: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self) -> Result<Value, Incomplete> {
        let kind = *self.input.get(self.at).ok_or(Incomplete::NeedMore)?;
        self.at += 1;
        let line = self.line()?;
        match kind {
            b'+' => Ok(Value::Simple(line)),
            b'-' => Ok(Value::Error(line)),
            b':' => Ok(Value::Int(number(&line)?)),
            b',' => Ok(Value::Double(line)),
            b'(' => Ok(Value::BigNumber(line)),
            b'_' if line.is_empty() => Ok(Value::Null),
            b'#' if line == b"t" => Ok(Value::Bool(true)),
            b'#' if line == b"f" => Ok(Value::Bool(false)),
            b'$' if line == b"-1" => Ok(Value::NullBulk),
            b'$' => Ok(Value::Bulk(self.body(&line)?)),
            b'!' => Ok(Value::BulkError(self.body(&line)?)),
            b'=' => Ok(Value::Verbatim(self.body(&line)?)),
            b'*' if line == b"-1" => Ok(Value::NullArray),
            b'*' => Ok(Value::Array(self.items(&line)?)),
            b'~' => Ok(Value::Set(self.items(&line)?)),
            b'>' => Ok(Value::Push(self.items(&line)?)),
            b'%' => Ok(Value::Map(self.pairs(&line)?)),
            b'|' => {
                let attributes = self.pairs(&line)?;
                Ok(Value::Attribute(attributes, Box::new(self.value()?)))
            }
            _ => Err(Incomplete::Malformed(format!(
                "a reply that starts with {:?} and goes on with {:?}",
                char::from(kind),
                Text(&line)
            ))),
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, Incomplete> {
        let rest = &self.input[self.at..];
        let end = rest.windows(2).position(|w| w == b"\r\n").ok_or(Incomplete::NeedMore)?;
        self.at += end + 2;
        Ok(rest[..end].to_vec())
    }

    fn body(&mut self, line: &[u8]) -> Result<Vec<u8>, Incomplete> {
        let length = count(line)?;
        let rest = &self.input[self.at..];
        if rest.len() < length + 2 {
            return Err(Incomplete::NeedMore);
        }
        if &rest[length..length + 2] != b"\r\n" {
            return Err(Incomplete::Malformed(format!("no line end after {length} bytes")));
        }
        self.at += length + 2;
        Ok(rest[..length].to_vec())
    }

    fn items(&mut self, line: &[u8]) -> Result<Vec<Value>, Incomplete> {
        (0..count(line)?).map(|_| self.value()).collect()
    }

    fn pairs(&mut self, line: &[u8]) -> Result<Vec<(Value, Value)>, Incomplete> {
        (0..count(line)?).map(|_| Ok((self.value()?, self.value()?))).collect()
    }
}

fn number(line: &[u8]) -> Result<i64, Incomplete> {
    std::str::from_utf8(line)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Incomplete::Malformed(format!("{:?} is not a number", Text(line))))
}

fn count(line: &[u8]) -> Result<usize, Incomplete> {
    let count = number(line)?;
    usize::try_from(count).map_err(|_| Incomplete::Malformed(format!("a length of {count}")))
}

impl Value {
    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error(_) | Value::BulkError(_))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null | Value::NullBulk | Value::NullArray)
    }

    /// The integer, or a failed test.
    pub fn int(&self) -> i64 {
        match self {
            Value::Int(number) => *number,
            other => panic!("expected an integer, got {other:?}"),
        }
    }

    /// The bytes of anything that is one string on the wire, errors included.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Value::Simple(text)
            | Value::Error(text)
            | Value::Bulk(text)
            | Value::Double(text)
            | Value::BigNumber(text)
            | Value::BulkError(text) => text,
            Value::Verbatim(text) => text.get(4..).unwrap_or_default(),
            other => panic!("expected a string, got {other:?}"),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The elements of an array, set or push; of a map its keys and values in turn.
    pub fn items(&self) -> Vec<Value> {
        match self {
            Value::Array(items) | Value::Set(items) | Value::Push(items) => items.clone(),
            Value::Map(pairs) => {
                pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()
            }
            other => panic!("expected an aggregate, got {other:?}"),
        }
    }

    /// Keys and values of a map, or of the flat array that stands for one in RESP2.
    pub fn pairs(&self) -> Vec<(Value, Value)> {
        let items = self.items();
        assert!(items.len().is_multiple_of(2), "an odd number of elements: {self:?}");
        items.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }

    /// The value under a name in a map or in the flat array that stands for one.
    pub fn field(&self, name: &str) -> Option<Value> {
        let pairs = self.pairs();
        pairs.into_iter().find(|(key, _)| key.bytes() == name.as_bytes()).map(|(_, value)| value)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = |f: &mut fmt::Formatter<'_>, pairs: &[(Value, Value)]| {
            f.debug_map().entries(pairs.iter().map(|(key, value)| (key, value))).finish()
        };
        match self {
            Value::Simple(text) => write!(f, "+{}", Text(text)),
            Value::Error(text) => write!(f, "-{}", Text(text)),
            Value::Int(number) => write!(f, ":{number}"),
            Value::Bulk(text) => write!(f, "\"{}\"", Text(text)),
            Value::NullBulk => write!(f, "(nil bulk)"),
            Value::NullArray => write!(f, "(nil array)"),
            Value::Null => write!(f, "(null)"),
            Value::Bool(truth) => write!(f, "#{truth}"),
            Value::Double(text) => write!(f, ",{}", Text(text)),
            Value::BigNumber(text) => write!(f, "({}", Text(text)),
            Value::BulkError(text) => write!(f, "!{}", Text(text)),
            Value::Verbatim(text) => write!(f, "=\"{}\"", Text(text)),
            Value::Array(items) => f.debug_list().entries(items).finish(),
            Value::Set(items) => {
                write!(f, "~").and_then(|()| f.debug_set().entries(items).finish())
            }
            Value::Push(items) => {
                write!(f, ">").and_then(|()| f.debug_list().entries(items).finish())
            }
            Value::Map(items) => write!(f, "%").and_then(|()| pairs(f, items)),
            Value::Attribute(items, value) => {
                write!(f, "|").and_then(|()| pairs(f, items))?;
                write!(f, " {value:?}")
            }
        }
    }
}

/// Bytes as a person can read them: escaped, and cut where they go on and on.
pub struct Text<'a>(pub &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 400;
        let shown = &self.0[..self.0.len().min(SHOWN_MAX)];
        write!(f, "{}", shown.escape_ascii())?;
        if self.0.len() > SHOWN_MAX {
            write!(f, "...({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
