//! What a search asks for, in the words of GEOSEARCH and in those of GEORADIUS.

use super::cell::Position;
use super::earth::Unit;
use super::shape::{Extent, Shape};
use crate::command::Args;
use crate::error::{CommandError, text};
use crate::number;
use crate::types::zset::SortedSet;
use crate::view::View;

pub(super) const UNKNOWN_UNIT: &str = "ERR unsupported unit provided. please use M, KM, FT, MI";
const NO_POSITION: &str = "ERR could not decode requested zset member";

/// The command that searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Radius { is_read_only: bool },
    RadiusByMember { is_read_only: bool },
    Search,
    SearchStore,
}

impl Form {
    /// Argument of the set that is searched.
    pub(super) fn source(self) -> usize {
        if self == Form::SearchStore { 2 } else { 1 }
    }

    fn is_search(self) -> bool {
        matches!(self, Form::Search | Form::SearchStore)
    }

    fn may_store(self) -> bool {
        match self {
            Form::Radius { is_read_only } | Form::RadiusByMember { is_read_only } => !is_read_only,
            Form::Search | Form::SearchStore => false,
        }
    }
}

/// The order of what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sorting {
    /// As the cells come, and in them the scores.
    None,
    Nearest,
    Farthest,
}

/// Where a result goes that is not for the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Store<'a> {
    pub(super) name: &'a [u8],
    /// Distances become the scores.
    pub(super) of_distances: bool,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    center: Option<Position>,
    size: Option<(Extent, Unit)>,
    pub(super) with_distance: bool,
    pub(super) with_hash: bool,
    pub(super) with_position: bool,
    pub(super) sorting: Sorting,
    /// How many are wanted; 0: all.
    pub(super) count: u64,
    /// ANY: the first ones that are found will do.
    pub(super) any: bool,
    pub(super) store: Option<Store<'a>>,
}

impl<'a> Query<'a> {
    /// What is searched within. `None`: no set is there, so it does not matter.
    pub(super) fn shape(&self) -> Option<Shape> {
        let (extent, unit) = self.size?;
        Some(Shape { center: self.center?, extent, unit })
    }

    /// Reads the arguments of a command, whose set may be missing.
    pub(super) fn parse(
        view: &mut View<'_>,
        args: Args<'a>,
        form: Form,
        set: Option<&SortedSet>,
    ) -> Result<Self, CommandError> {
        let mut query = Self {
            center: None,
            size: None,
            with_distance: false,
            with_hash: false,
            with_position: false,
            sorting: Sorting::None,
            count: 0,
            any: false,
            store: None,
        };
        let options = match form {
            Form::Radius { .. } => {
                query.center = Some(position(args, 2)?);
                query.size = Some(circle(args, 4)?);
                6
            }
            Form::RadiusByMember { .. } => {
                if let Some(set) = set {
                    let center = position_of(view, set, args.get(2))?;
                    query.center = Some(center.ok_or(NO_POSITION)?);
                    query.size = Some(circle(args, 3)?);
                }
                5
            }
            Form::Search => 2,
            Form::SearchStore => {
                query.store = Some(Store { name: args.get(1), of_distances: false });
                3
            }
        };
        Options { from: None, by: None, form }.parse(view, args, (options, set), &mut query)?;
        Ok(query)
    }

    /// Refuses what makes no sense together.
    fn check(&self, args: Args<'_>, form: Form, given: (bool, bool)) -> Result<(), CommandError> {
        let shows_more = self.with_distance || self.with_hash || self.with_position;
        if self.store.is_some() && shows_more {
            let what =
                if form.is_search() { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            return Err(CommandError::reply(format!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        let missing = match given {
            (false, _) => Some("FROMMEMBER or FROMLONLAT"),
            (_, false) => Some("BYRADIUS and BYBOX"),
            _ => None,
        };
        if let Some(words) = missing.filter(|_| form.is_search()) {
            let name = String::from_utf8_lossy(args.get(0));
            let error = format!("ERR exactly one of {words} can be specified for {name}");
            return Err(CommandError::reply(error));
        }
        if self.any && self.count == 0 {
            return Err("ERR the ANY argument requires COUNT argument".into());
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Member,
    Position,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Radius,
    Box,
}

/// The options that were read so far.
struct Options {
    from: Option<From>,
    by: Option<By>,
    form: Form,
}

impl Options {
    fn parse<'a>(
        mut self,
        view: &mut View<'_>,
        args: Args<'a>,
        (first, set): (usize, Option<&SortedSet>),
        query: &mut Query<'a>,
    ) -> Result<(), CommandError> {
        let mut index = first;
        while index < args.len() {
            let is_flag = self.flag(args, index, query);
            index += if is_flag { 1 } else { self.option(view, args, (index, set), query)? };
        }
        query.check(args, self.form, (self.from.is_some(), self.by.is_some()))
    }

    /// Takes a word that stands for itself; whether it was one.
    fn flag(&self, args: Args<'_>, index: usize, query: &mut Query<'_>) -> bool {
        if args.is(index, "withdist") {
            query.with_distance = true;
        } else if args.is(index, "withhash") {
            query.with_hash = true;
        } else if args.is(index, "withcoord") {
            query.with_position = true;
        } else if args.is(index, "any") {
            query.any = true;
        } else if args.is(index, "asc") {
            query.sorting = Sorting::Nearest;
        } else if args.is(index, "desc") {
            query.sorting = Sorting::Farthest;
        } else if args.is(index, "storedist") && self.form == Form::SearchStore {
            if let Some(store) = &mut query.store {
                store.of_distances = true;
            }
        } else {
            return false;
        }
        true
    }

    /// Takes a word with what belongs to it; how many arguments these are.
    fn option<'a>(
        &mut self,
        view: &mut View<'_>,
        args: Args<'a>,
        (index, set): (usize, Option<&SortedSet>),
        query: &mut Query<'a>,
    ) -> Result<usize, CommandError> {
        let rest = args.len() - index - 1;
        let is_search = self.form.is_search();
        let is = |word, values| rest >= values && args.is(index, word);
        if is("count", 1) {
            let count = args.integer(index + 1)?;
            query.count = u64::try_from(count).unwrap_or(0);
            if query.count == 0 {
                return Err("ERR COUNT must be > 0".into());
            }
            return Ok(2);
        }
        if self.form.may_store() && (is("store", 1) || is("storedist", 1)) {
            let of_distances = args.is(index, "storedist");
            if query.store.is_some_and(|store| store.of_distances == of_distances) {
                // Its key would be none of those that the command is known to have.
                return Err(text::SYNTAX.into());
            }
            query.store = Some(Store { name: args.get(index + 1), of_distances });
            return Ok(2);
        }
        if is_search && is("frommember", 1) && self.from != Some(From::Position) {
            if let Some(set) = set {
                let center = position_of(view, set, args.get(index + 1))?;
                query.center = Some(center.ok_or(NO_POSITION)?);
            }
            self.from = Some(From::Member);
            return Ok(2);
        }
        if is_search && is("fromlonlat", 2) && self.from != Some(From::Member) {
            query.center = Some(position(args, index + 1)?);
            self.from = Some(From::Position);
            return Ok(3);
        }
        if is_search && is("byradius", 2) && self.by != Some(By::Box) {
            query.size = Some(circle(args, index + 1)?);
            self.by = Some(By::Radius);
            return Ok(3);
        }
        if is_search && is("bybox", 3) && self.by != Some(By::Radius) {
            query.size = Some(rectangle(args, index + 1)?);
            self.by = Some(By::Box);
            return Ok(4);
        }
        Err(text::SYNTAX.into())
    }
}

/// The position of a member, if it is one.
pub(super) fn position_of(
    view: &mut View<'_>,
    set: &SortedSet,
    member: &[u8],
) -> Result<Option<Position>, CommandError> {
    Ok(set.score(view, member)?.map(Position::of_score))
}

/// The longitude and latitude at argument `index`.
pub(super) fn position(args: Args<'_>, index: usize) -> Result<Position, CommandError> {
    let (longitude, latitude) = (args.float(index)?, args.float(index + 1)?);
    let position = Position { longitude, latitude };
    if position.is_on_grid() {
        return Ok(position);
    }
    let error = format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}");
    Err(CommandError::reply(error))
}

fn unit(args: Args<'_>, index: usize) -> Result<Unit, CommandError> {
    Unit::parse(args.get(index)).ok_or_else(|| UNKNOWN_UNIT.into())
}

/// The radius and its unit at argument `index`.
fn circle(args: Args<'_>, index: usize) -> Result<(Extent, Unit), CommandError> {
    let radius = number::parse_f64(args.get(index)).ok_or("ERR need numeric radius")?;
    if radius < 0.0 {
        return Err("ERR radius cannot be negative".into());
    }
    Ok((Extent::Circle { radius }, unit(args, index + 1)?))
}

/// The width, the height and their unit at argument `index`.
fn rectangle(args: Args<'_>, index: usize) -> Result<(Extent, Unit), CommandError> {
    let width = number::parse_f64(args.get(index)).ok_or("ERR need numeric width")?;
    let height = number::parse_f64(args.get(index + 1)).ok_or("ERR need numeric height")?;
    if width < 0.0 || height < 0.0 {
        return Err("ERR height or width cannot be negative".into());
    }
    Ok((Extent::Box { width, height }, unit(args, index + 2)?))
}
