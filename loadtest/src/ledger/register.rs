//! One thing that writes change and a server can be asked for: a string with its deadline, a
//! counter, a field of a hash, a hash's deadline. It goes through the states that the writes give
//! it and notes after which writes it is as the server has it.

/// A value and, of strings, the deadline. No value: it is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) value: Option<Vec<u8>>,
    pub(super) deadline_ms: Option<u64>,
}

impl State {
    pub(super) fn of(value: Vec<u8>) -> State {
        State { value: Some(value), deadline_ms: None }
    }
}

/// What one write does to one register.
#[derive(Debug)]
pub(super) enum Step {
    Put(State),
    Append(Vec<u8>),
    Increment,
    Remove,
    Expire(u64),
    Persist,
}

/// More states than a register may be in before it is no longer judged; only refused writes,
/// which may have happened or not, make several.
const STATES_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Register {
    observed: State,
    /// Those it may be in now; empty when there were too many.
    states: Vec<State>,
    /// After which number of writes it began to be as observed, if it is so now.
    since: Option<usize>,
    /// The stretches in which it was: from the first number of writes up to before the second.
    matches: Vec<(usize, usize)>,
    /// The number of the last write that changed it.
    last_step: usize,
}

impl Register {
    /// Before the first write there is nothing.
    pub(super) fn new(observed: State) -> Register {
        let since = (observed == State::default()).then_some(0);
        let states = vec![State::default()];
        Register { observed, states, since, matches: Vec::new(), last_step: 0 }
    }

    /// The write that is the `position`-th of its shard; one that was refused may not have
    /// happened.
    pub(super) fn step(&mut self, position: usize, step: &Step, refused: bool) {
        self.last_step = position;
        if self.states.is_empty() {
            return;
        }
        let before = if refused { self.states.clone() } else { Vec::new() };
        self.states.iter_mut().for_each(|state| step.apply(state));
        for state in before {
            if !self.states.contains(&state) {
                self.states.push(state);
            }
        }
        if self.states.len() > STATES_MAX {
            self.states.clear();
            self.since.get_or_insert(position);
            return;
        }
        let is_as_observed = self.states.contains(&self.observed);
        match (self.since, is_as_observed) {
            (None, true) => self.since = Some(position),
            (Some(since), false) => {
                self.matches.push((since, position));
                self.since = None;
            }
            _ => {}
        }
    }

    /// All stretches of cuts, of `0..=count`, that explain what was observed.
    pub(super) fn finish(&mut self, count: usize) -> &[(usize, usize)] {
        if let Some(since) = self.since.take() {
            self.matches.push((since, count + 1));
        }
        &self.matches
    }

    pub(super) fn matches(&self) -> &[(usize, usize)] {
        &self.matches
    }

    pub(super) fn observed(&self) -> &State {
        &self.observed
    }

    pub(super) fn last_step(&self) -> usize {
        self.last_step
    }

    /// One of the states it is in after all writes.
    pub(super) fn last_state(&self) -> Option<&State> {
        self.states.first()
    }
}

impl Step {
    fn apply(&self, state: &mut State) {
        match self {
            Step::Put(new) => *state = new.clone(),
            Step::Append(piece) => state.value.get_or_insert_default().extend_from_slice(piece),
            Step::Increment => {
                let number = state.value.as_deref().map_or(Some(0), |text| {
                    std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok())
                });
                state.value = number.map(|number| (number + 1).to_string().into_bytes());
            }
            Step::Remove => *state = State::default(),
            Step::Expire(deadline_ms) if state.value.is_some() => {
                state.deadline_ms = Some(*deadline_ms);
            }
            Step::Expire(_) => {}
            Step::Persist => state.deadline_ms = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str) -> Step {
        Step::Put(State::of(text.as_bytes().to_vec()))
    }

    fn matches_of(observed: &str, steps: &[(Step, bool)]) -> Vec<(usize, usize)> {
        let mut register = Register::new(State::of(observed.as_bytes().to_vec()));
        for (index, (step, refused)) in steps.iter().enumerate() {
            register.step(index + 1, step, *refused);
        }
        register.finish(steps.len()).to_vec()
    }

    #[test]
    fn a_register_matches_from_the_write_to_the_next() {
        let steps = [(put("a"), false), (put("b"), false), (put("a"), false)];
        assert_eq!(matches_of("a", &steps), [(1, 2), (3, 4)]);
        assert_eq!(matches_of("b", &steps), [(2, 3)]);
        assert!(matches_of("c", &steps).is_empty());
    }

    #[test]
    fn a_refused_write_may_have_happened_or_not() {
        let steps = [(Step::Increment, false), (Step::Increment, true), (Step::Increment, false)];
        assert_eq!(matches_of("1", &steps), [(1, 3)]);
        assert_eq!(matches_of("2", &steps), [(2, 4)]);
        assert_eq!(matches_of("3", &steps), [(3, 4)]);
    }

    #[test]
    fn a_deadline_needs_a_value_and_a_new_value_has_none() {
        let mut state = State::default();
        Step::Expire(5).apply(&mut state);
        assert_eq!(state, State::default());
        put("a").apply(&mut state);
        Step::Expire(5).apply(&mut state);
        Step::Append(b"b".to_vec()).apply(&mut state);
        assert_eq!(state, State { value: Some(b"ab".to_vec()), deadline_ms: Some(5) });
        put("a").apply(&mut state);
        assert_eq!(state.deadline_ms, None);
    }
}
