//! Distances on a globe of the earth's mean radius, by the haversine formula.

use super::cell::Position;

/// In metres, the quadratic mean of WGS 84.
pub(super) const RADIUS: f64 = 6_372_797.560_856;

/// A degree in radians.
const DEGREE: f64 = std::f64::consts::PI / 180.0;

pub(super) fn radians(degrees: f64) -> f64 {
    degrees * DEGREE
}

pub(super) fn degrees(radians: f64) -> f64 {
    radians / DEGREE
}

/// The distance of two parallels, in metres.
pub(super) fn between_latitudes(one: f64, other: f64) -> f64 {
    RADIUS * (radians(other) - radians(one)).abs()
}

/// The distance of two positions, in metres.
pub(super) fn between(one: Position, other: Position) -> f64 {
    let across = ((radians(other.longitude) - radians(one.longitude)) / 2.0).sin();
    if across == 0.0 {
        return between_latitudes(one.latitude, other.latitude);
    }
    let (from, to) = (radians(one.latitude), radians(other.latitude));
    let along = ((to - from) / 2.0).sin();
    let square = along * along + from.cos() * to.cos() * across * across;
    2.0 * RADIUS * square.sqrt().asin()
}

/// A unit of lengths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    /// Its length in metres.
    pub(super) metres: f64,
}

impl Unit {
    pub(super) const METRE: Unit = Unit { metres: 1.0 };

    /// Reads `m`, `km`, `ft` or `mi`, in any case.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        const UNITS: [(&[u8], f64); 4] =
            [(b"m", 1.0), (b"km", 1000.0), (b"ft", 0.3048), (b"mi", 1609.34)];
        let known = UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(name))?;
        Some(Unit { metres: known.1 })
    }
}

/// A distance as replies have it: with four decimals.
pub(super) fn text(distance: f64) -> String {
    let scaled = (distance * 10_000.0).round_ties_even() as i64;
    let (sign, scaled) = (if scaled < 0 { "-" } else { "" }, scaled.unsigned_abs());
    format!("{sign}{}.{:04}", scaled / 10_000, scaled % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_four_decimals() {
        for (distance, expected) in [
            (0.0, "0.0000"),
            (0.00006, "0.0001"),
            (0.775, "0.7750"),
            (166_274.151_6, "166274.1516"),
        ] {
            assert_eq!(text(distance), expected);
        }
    }
}
