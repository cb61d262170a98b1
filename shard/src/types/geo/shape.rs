//! What is searched within, and the cells that cover it.
//!
//! Cells are as large as the shape or larger, so that the one in the middle and the eight around it
//! cover the shape; those that it does not reach are left out. Which cells that is, and in which
//! order, shows in the order of replies.

use super::cell::{Cell, Position, STEPS};
use super::earth::{self, Unit};

/// Half of the earth's circumference in Web Mercator, in metres.
const MERCATOR_MAX: f64 = 20_037_726.37;

/// The sizes of a shape, in its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extent {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
}

/// A part of the earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) center: Position,
    pub(super) extent: Extent,
    pub(super) unit: Unit,
}

/// The cells around another, as Redis goes through them: so many to the east, and to the north.
const AROUND: [(i8, i8); 8] =
    [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

impl Shape {
    /// How far a position within is from the middle, in metres. `None`: it is outside.
    pub(super) fn distance_within(&self, position: Position) -> Option<f64> {
        match self.extent {
            Extent::Circle { radius } => {
                let distance = earth::between(self.center, position);
                (distance <= radius * self.unit.metres).then_some(distance)
            }
            Extent::Box { width, height } => {
                let (width, height) = (width * self.unit.metres, height * self.unit.metres);
                let north = earth::between_latitudes(position.latitude, self.center.latitude);
                let beside = Position { latitude: position.latitude, ..self.center };
                if north > height / 2.0 || earth::between(position, beside) > width / 2.0 {
                    return None;
                }
                Some(earth::between(self.center, position))
            }
        }
    }

    /// How far it reaches: west, south, east and north, in degrees.
    fn bounds(&self) -> (f64, f64, f64, f64) {
        let (height, width) = match self.extent {
            Extent::Circle { radius } => (self.unit.metres * radius, self.unit.metres * radius),
            Extent::Box { width, height } => {
                (self.unit.metres * (height / 2.0), self.unit.metres * (width / 2.0))
            }
        };
        let Position { longitude, latitude } = self.center;
        let north = earth::degrees(height / earth::RADIUS);
        // Degrees of longitude are shortest at the edge that is nearer to a pole.
        let edge = if latitude < 0.0 { latitude - north } else { latitude + north };
        let east = earth::degrees(width / earth::RADIUS / earth::radians(edge).cos());
        (longitude - east, latitude - north, longitude + east, latitude + north)
    }

    /// The steps of cells that are about as large.
    fn steps(&self) -> u8 {
        let reach = match self.extent {
            Extent::Circle { radius } => radius,
            Extent::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
        };
        let mut reach = reach * self.unit.metres;
        if reach == 0.0 {
            return STEPS;
        }
        let mut steps = 1i32;
        while reach < MERCATOR_MAX {
            reach *= 2.0;
            steps += 1;
        }
        steps -= 2;
        // Towards the poles there are fewer metres to a degree.
        let latitude = self.center.latitude.abs();
        if latitude > 66.0 {
            steps -= 1;
        }
        if latitude > 80.0 {
            steps -= 1;
        }
        steps.clamp(1, i32::from(STEPS)) as u8
    }

    /// The cells that cover it, the one in the middle first.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let (west, south, east, north) = self.bounds();
        let mut steps = self.steps();
        let mut middle = self.center.cell(steps);
        let reaches_further = middle.neighbor(0, 1).area().north < north
            || middle.neighbor(0, -1).area().south > south
            || middle.neighbor(1, 0).area().east < east
            || middle.neighbor(-1, 0).area().west > west;
        if steps > 1 && reaches_further {
            steps -= 1;
            middle = self.center.cell(steps);
        }
        let area = middle.area();
        let is_reached = |(to_east, to_north): (i8, i8)| {
            steps < 2
                || !(to_north < 0 && area.south < south
                    || to_north > 0 && area.north > north
                    || to_east < 0 && area.west < west
                    || to_east > 0 && area.east > east)
        };
        let mut cells = vec![middle];
        for (to_east, to_north) in AROUND.into_iter().filter(|place| is_reached(*place)) {
            let cell = middle.neighbor(to_east, to_north);
            // Of large cells there are so few that a neighbor comes from both sides.
            if cells.len() == 1 || cells.last() != Some(&cell) {
                cells.push(cell);
            }
        }
        cells
    }
}
