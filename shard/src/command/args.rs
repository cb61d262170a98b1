//! The arguments of one command, borrowed from the frame they came in, and the readers that turn
//! one into a number with Redis's error when it is not.

use bytes::Bytes;

use crate::error::{CommandError, text};
use crate::number;
use crate::resp::Span;

/// Arguments, the command's name first. Reading past the end gives an empty argument: arity is
/// checked before a handler runs, and a wrong index must not end the process.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    frame: &'a [u8],
    spans: &'a [Span],
    shared: Option<&'a Bytes>,
}

impl<'a> Args<'a> {
    /// The arguments at `spans` of `frame`.
    pub fn new(frame: &'a [u8], spans: &'a [Span]) -> Self {
        Self { frame, spans, shared: None }
    }

    /// The same for a frame that can be kept without a copy.
    pub fn of_shared(frame: &'a Bytes, spans: &'a [Span]) -> Self {
        Self { frame, spans, shared: Some(frame) }
    }

    /// The frame, if it can be kept, and where the arguments stand in it.
    pub fn shared(&self) -> Option<(&'a Bytes, &'a [Span])> {
        self.shared.map(|frame| (frame, self.spans))
    }

    /// Number of arguments, the name included.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is not even a name.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Argument `index`; empty when there is none.
    pub fn get(&self, index: usize) -> &'a [u8] {
        self.spans
            .get(index)
            .and_then(|span| {
                let start = span.start as usize;
                self.frame.get(start..start + span.len as usize)
            })
            .unwrap_or_default()
    }

    /// The arguments from `index` on.
    pub fn iter_from(&self, index: usize) -> impl DoubleEndedIterator<Item = &'a [u8]> + use<'a> {
        let args = *self;
        (index..args.len()).map(move |index| args.get(index))
    }

    /// The arguments from `index` on, as arguments.
    pub fn skip(&self, index: usize) -> Args<'a> {
        Args { spans: self.spans.get(index..).unwrap_or_default(), ..*self }
    }

    /// The first `count` arguments, as arguments.
    pub fn first(&self, count: usize) -> Args<'a> {
        Args { spans: self.spans.get(..count).unwrap_or(self.spans), ..*self }
    }

    /// Whether argument `index` is `word` in any case.
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Argument `index` as a 64-bit integer.
    pub fn integer(&self, index: usize) -> Result<i64, CommandError> {
        number::parse_i64(self.get(index)).ok_or_else(|| text::NOT_AN_INTEGER.into())
    }

    /// Argument `index` as a 32-bit integer, as numbers of databases and the like are.
    pub fn int(&self, index: usize) -> Result<i32, CommandError> {
        i32::try_from(self.integer(index)?).map_err(|_| {
            let (min, max) = (i32::MIN, i32::MAX);
            CommandError::reply(format!(
                "ERR value is out of range, value must between {min} and {max}"
            ))
        })
    }

    /// Argument `index` as a double.
    pub fn float(&self, index: usize) -> Result<f64, CommandError> {
        number::parse_f64(self.get(index)).ok_or_else(|| text::NOT_A_FLOAT.into())
    }

    /// Bytes of all arguments together.
    pub fn bytes_total(&self) -> usize {
        self.spans.iter().map(|span| span.len as usize).sum()
    }

    /// The positions of the arguments in the frame.
    pub fn spans(&self) -> &'a [Span] {
        self.spans
    }
}
