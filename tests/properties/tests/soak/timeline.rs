//! The times at which each disturbance was active.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The disturbances of one site.
#[derive(Default)]
pub(crate) struct Timeline {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    spans: VecDeque<Activity>,
    next: u64,
    /// The number of times that each disturbance happened.
    counts: BTreeMap<&'static str, usize>,
}

struct Activity {
    number: u64,
    name: &'static str,
    from: Instant,
    /// `None` if it is active now.
    to: Option<Instant>,
}

/// No call takes longer, so earlier activities explain nothing.
const KEPT: Duration = Duration::from_secs(120);

impl Timeline {
    /// Notes that a disturbance begins, and returns its number.
    pub(crate) fn begin(&self, name: &'static str) -> u64 {
        let now = Instant::now();
        let mut state = self.lock();
        let is_old = |oldest: &Activity| oldest.to.is_some_and(|to| now - to > KEPT);
        while state.spans.front().is_some_and(is_old) {
            state.spans.pop_front();
        }
        let number = state.next;
        state.next += 1;
        state.spans.push_back(Activity {
            number,
            name,
            from: now,
            to: None,
        });
        number
    }

    /// Notes that a disturbance has ended, and counts it if it has happened.
    pub(crate) fn end(&self, number: u64, happened: bool) {
        let mut state = self.lock();
        let mut name = None;
        for activity in &mut state.spans {
            if activity.number == number {
                activity.to = Some(Instant::now());
                name = Some(activity.name);
            }
        }
        if let (Some(name), true) = (name, happened) {
            *state.counts.entry(name).or_default() += 1;
        }
    }

    /// Notes a disturbance without a length.
    pub(crate) fn note(&self, name: &'static str) {
        let number = self.begin(name);
        self.end(number, true);
    }

    /// Returns if a disturbance was active all the time in between.
    pub(crate) fn covers(&self, from: Instant, to: Instant, name: &str) -> bool {
        self.lock().spans.iter().any(|activity| {
            activity.name == name
                && activity.from <= from
                && activity.to.is_none_or(|end| end >= to)
        })
    }

    /// Returns the names of the disturbances that were active at any time in between.
    pub(crate) fn names(&self, from: Instant, to: Instant) -> Vec<&'static str> {
        let state = self.lock();
        let active = state
            .spans
            .iter()
            .filter(|activity| activity.from <= to && activity.to.is_none_or(|end| end >= from));
        active.map(|activity| activity.name).collect()
    }

    /// Returns the number of times that each disturbance happened.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
