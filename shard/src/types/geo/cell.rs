//! Geohashes: cells of a grid that is made finer by halves, and the numbers by which they are
//! known.
//!
//! ```text
//! bits    … longitude, latitude, longitude, latitude: a bit of each for every step, the first ones
//!         highest; a 0 is the western or southern half
//! score   the bits of 26 steps, 52 in all: a whole number that a double holds exactly
//! ```

/// Steps of a score.
pub(super) const STEPS: u8 = 26;

const LONGITUDES: Axis = Axis { min: -180.0, max: 180.0 };
/// Web Mercator ends here.
const LATITUDES: Axis = Axis { min: -85.051_128_78, max: 85.051_128_78 };
/// All latitudes, as geohashes elsewhere have them.
const ALL_LATITUDES: Axis = Axis { min: -90.0, max: 90.0 };

/// Bits of latitudes and of longitudes.
const EVEN: u64 = 0x5555_5555_5555_5555;
const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;

const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// Characters of a geohash as text. The last one would need more bits than there are.
const TEXT_BYTES: usize = 11;

/// A longitude and a latitude, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

#[derive(Clone, Copy)]
struct Axis {
    min: f64,
    max: f64,
}

impl Axis {
    fn contains(self, degrees: f64) -> bool {
        (self.min..=self.max).contains(&degrees)
    }

    /// The number of the part, out of two to the power of `steps`.
    fn part(self, degrees: f64, steps: u8) -> u32 {
        let offset = (degrees - self.min) / (self.max - self.min);
        (offset * (1u64 << steps) as f64) as u32
    }

    /// Where a part begins and ends.
    fn bounds(self, part: u32, steps: u8) -> (f64, f64) {
        let scale = self.max - self.min;
        let parts = (1u64 << steps) as f64;
        let at = |part: u32| self.min + (f64::from(part) / parts) * scale;
        (at(part), at(part.wrapping_add(1)))
    }
}

/// What a cell covers, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

/// A cell of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    bits: u64,
    pub(super) steps: u8,
}

impl Position {
    /// Whether there is a geohash for it.
    pub(super) fn is_on_grid(self) -> bool {
        LONGITUDES.contains(self.longitude) && LATITUDES.contains(self.latitude)
    }

    /// The score of a member at this position.
    pub(super) fn score(self) -> f64 {
        self.cell(STEPS).bits as f64
    }

    /// The cell where it is.
    pub(super) fn cell(self, steps: u8) -> Cell {
        self.cell_within(LATITUDES, steps)
    }

    fn cell_within(self, latitudes: Axis, steps: u8) -> Cell {
        let latitude = spread(latitudes.part(self.latitude, steps));
        let longitude = spread(LONGITUDES.part(self.longitude, steps));
        Cell { bits: latitude | longitude << 1, steps }
    }

    /// The position of a member with this score, whatever the score is.
    pub(super) fn of_score(score: f64) -> Self {
        let area = Cell { bits: whole_bits(score), steps: STEPS }.area();
        let middle =
            |axis: Axis, from: f64, to: f64| f64::midpoint(from, to).clamp(axis.min, axis.max);
        Self {
            longitude: middle(LONGITUDES, area.west, area.east),
            latitude: middle(LATITUDES, area.south, area.north),
        }
    }

    /// The geohash as others write it.
    pub(super) fn text(self) -> [u8; TEXT_BYTES] {
        let bits = self.cell_within(ALL_LATITUDES, STEPS).bits;
        let mut text = [ALPHABET[0]; TEXT_BYTES];
        for (index, slot) in text.iter_mut().take(TEXT_BYTES - 1).enumerate() {
            let five = bits >> (52 - 5 * (index + 1)) & 31;
            *slot = ALPHABET[five as usize];
        }
        text
    }
}

/// A score as the bits of a geohash. Others than GEOADD's may be anything: they become what a
/// processor makes of them.
fn whole_bits(score: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if score < HALF {
        return (score as i64).cast_unsigned();
    }
    if score < 2.0 * HALF { score as u64 } else { 0 }
}

/// Puts a 0 in front of each bit.
fn spread(part: u32) -> u64 {
    let mut bits = u64::from(part);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, EVEN),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// Takes every second bit, the lowest one first.
fn gather(bits: u64) -> u32 {
    let mut bits = bits & EVEN;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

impl Cell {
    /// What it covers.
    pub(super) fn area(self) -> Area {
        let (south, north) = LATITUDES.bounds(gather(self.bits), self.steps);
        let (west, east) = LONGITUDES.bounds(gather(self.bits >> 1), self.steps);
        Area { west, east, south, north }
    }

    /// The scores in it: from the first on and before the second.
    pub(super) fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS - self.steps);
        let score = |bits: u64| (bits << shift) as f64;
        (score(self.bits), score(self.bits + 1))
    }

    /// The cell so many to the east and to the north, around the edges of the grid.
    pub(super) fn neighbor(self, east: i8, north: i8) -> Self {
        let unused = 64 - 2 * u32::from(self.steps);
        let moved = |own: u64, own_mask: u64, distance: i8| {
            // With the bits between set, a carry passes over them.
            let between = !own_mask >> unused;
            let moved = match distance {
                // The very last longitude has a bit too many, which it keeps, as in Redis.
                0 => return own,
                1.. => own.wrapping_add(between.wrapping_add(1)),
                _ => (own | between).wrapping_sub(between.wrapping_add(1)),
            };
            moved & (own_mask >> unused)
        };
        let longitude = moved(self.bits & ODD, ODD, east);
        let latitude = moved(self.bits & EVEN, EVEN, north);
        Self { bits: longitude | latitude, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(longitude: f64, latitude: f64) -> Position {
        Position { longitude, latitude }
    }

    #[test]
    fn scores_and_texts_are_those_of_everybody() {
        let palermo = at(13.361_389, 38.115_556);
        assert_eq!(palermo.score(), 3_479_099_956_230_698.0);
        assert_eq!(&Position::of_score(palermo.score()).text(), b"sqc8b49rny0");
        assert_eq!(at(-180.0, -85.051_128_78).score(), 0.0);
        assert_eq!(at(0.0, 0.0).score(), (0b11u64 << 50) as f64);
    }

    #[test]
    fn neighbors_go_around_the_edges() {
        let corner = at(-180.0, -85.0).cell(3);
        assert_eq!(corner.bits, 0);
        assert_eq!(corner.neighbor(1, 0).bits, 0b10);
        assert_eq!(corner.neighbor(0, 1).bits, 0b01);
        assert_eq!(corner.neighbor(1, 1).bits, 0b11);
        assert_eq!(corner.neighbor(-1, 0).bits, 0b10_1010);
        assert_eq!(corner.neighbor(-1, -1).bits, 0b11_1111);
        for steps in 1..=STEPS {
            let cell = at(12.5, -60.0).cell(steps);
            for (east, north) in [(1, 0), (0, 1), (1, 1), (1, -1)] {
                assert_eq!(cell.neighbor(east, north).neighbor(-east, -north), cell);
            }
        }
    }

    #[test]
    fn scores_of_others_are_taken_as_they_are() {
        assert_eq!(whole_bits(-1.0), u64::MAX);
        assert_eq!(whole_bits(f64::NEG_INFINITY), 1 << 63);
        assert_eq!(whole_bits(f64::INFINITY), 0);
        assert_eq!(whole_bits(1.9), 1);
        assert_eq!(whole_bits(9_223_372_036_854_775_808.0), 1 << 63);
    }
}
