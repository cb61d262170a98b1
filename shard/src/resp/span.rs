//! Where an argument stands.

/// Position of one argument inside the frame it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub len: u32,
}

impl Span {
    /// The argument's bytes; empty if `frame` is not the frame that the span was made for.
    #[inline]
    pub fn of(self, frame: &[u8]) -> &[u8] {
        let (Ok(start), Ok(len)) = (usize::try_from(self.start), usize::try_from(self.len)) else {
            return &[];
        };
        frame.get(start..start.saturating_add(len)).unwrap_or_default()
    }
}
