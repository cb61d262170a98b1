//! Why a value cannot be read.

/// What is wrong with the bytes: the rule that they break, for people to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(pub &'static str);

/// The bytes end before what they announce.
pub(super) const CUT_OFF: Damage = Damage("more is announced than there is");

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// The bytes are wrong.
    Damage(Damage),
    /// Whoever takes the items does not want more.
    Sink(E),
}

impl<E> From<Damage> for Failure<E> {
    fn from(damage: Damage) -> Self {
        Failure::Damage(damage)
    }
}
