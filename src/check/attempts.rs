//! The attempts of a wait, as far as a report shows them.
//!
//! ```text
//! waited 4 min, 5 attempts: UNKNOWN, CRITICAL 2 times, OK 2 times
//! ```

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::check::format::humanize::format_duration;
use crate::check::status::Status;
use crate::time::timestamp::Timestamp;

/// The runs of equal statuses that are kept. A longer wait forgets the first ones.
const MAX_RUNS: usize = 20;

/// The statuses of all attempts of a wait.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attempts {
    /// The number of attempts.
    pub(crate) count: usize,
    /// The latest runs of attempts with the same status, in order of time.
    pub(crate) runs: Vec<Run>,
    /// The time from the start of the wait to its end.
    pub(crate) waited: Duration,
    /// The number of runs that were forgotten.
    forgotten: usize,
}

/// Attempts in a row that had the same status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Run {
    /// The status of each of them.
    pub(crate) status: Status,
    /// The number of attempts.
    pub(crate) count: usize,
    /// The time of the first attempt.
    pub(crate) first: Timestamp,
    /// The time of the last attempt.
    pub(crate) last: Timestamp,
}

impl Attempts {
    /// Adds an attempt.
    pub(crate) fn push(&mut self, status: Status, at: Timestamp) {
        self.count += 1;
        if let Some(run) = self.runs.last_mut().filter(|run| run.status == status) {
            run.count += 1;
            run.last = at;
            return;
        }
        // The start of a long wait tells less than its end.
        if self.runs.len() == MAX_RUNS {
            self.runs.remove(0);
            self.forgotten += 1;
        }
        self.runs.push(Run {
            status,
            count: 1,
            first: at,
            last: at,
        });
    }
}

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Reports are for people, who do not need the milliseconds.
        let waited = format_duration(Duration::from_secs(self.waited.as_secs()));
        let noun = if self.count == 1 {
            "attempt"
        } else {
            "attempts"
        };
        write!(f, "waited {waited}, {} {noun}", self.count)?;
        let mut separator = if self.forgotten > 0 { ": …, " } else { ": " };
        for run in &self.runs {
            write!(f, "{separator}{}", run.status)?;
            if run.count > 1 {
                write!(f, " {} times", run.count)?;
            }
            separator = ", ";
        }
        Ok(())
    }
}

impl Serialize for Attempts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Attempts", 3)?;
        object.serialize_field("seconds", &self.waited.as_secs_f64())?;
        object.serialize_field("attempts", &self.count)?;
        object.serialize_field("runs", &self.runs)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(statuses: impl Iterator<Item = Status>) -> Attempts {
        let mut attempts = Attempts {
            waited: Duration::from_millis(245_900),
            ..Attempts::default()
        };
        for (second, status) in (0..).zip(statuses) {
            attempts.push(status, Timestamp::from_second(second).unwrap());
        }
        attempts
    }

    #[test]
    fn attempts_in_a_row_with_one_status_are_counted() {
        use Status::{Critical, Ok, Unknown};
        for (statuses, line) in [
            (vec![], "waited 4 min 5 s, 0 attempts"),
            (vec![Ok], "waited 4 min 5 s, 1 attempt: OK"),
            (
                vec![Unknown, Critical, Critical, Ok, Ok],
                "waited 4 min 5 s, 5 attempts: UNKNOWN, CRITICAL 2 times, OK 2 times",
            ),
        ] {
            assert_eq!(attempts(statuses.into_iter()).to_string(), line);
        }
    }

    #[test]
    fn the_line_of_a_long_wait_is_bounded() {
        let alternating = (0..1000).map(|number| match number % 2 {
            0 => Status::Ok,
            _ => Status::Warning,
        });
        let attempts = attempts(alternating);
        assert_eq!(attempts.runs.len(), MAX_RUNS);
        let line = attempts.to_string();
        assert!(
            line.starts_with("waited 4 min 5 s, 1000 attempts: …, OK, WARNING, OK"),
            "{line}"
        );
        assert!(line.len() < 300, "{line}");
    }
}
