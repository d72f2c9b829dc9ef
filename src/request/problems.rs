//! Collects everything that is wrong with a request, so that one error names all of it.
//!
//! Each check adds its problems to a [`Problems`] and continues. At the end
//! [`Problems::into_result`] creates the error:
//!
//! ```text
//! invalid query: metric name is empty; limit must be at least 1
//! ```

use std::collections::HashSet;

use crate::error::Error;
use crate::util::text::quote;

/// The problems of a request in the order in which they were found, and hints to solve them.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// The problems, repetitions included.
    problems: Vec<String>,
    /// The hints, each once.
    hints: Vec<String>,
}

impl Problems {
    /// Adds a problem.
    pub(crate) fn push(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Adds a hint, unless it is there already.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) {
        let hint = hint.into();
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
    }

    /// Requires a name that can go into a URL: not empty and without control characters.
    pub(crate) fn require_name(&mut self, what: &str, name: &str) {
        if name.is_empty() {
            self.push(format!("{what} is empty"));
        } else if name.contains(char::is_control) {
            let name = quote(name, MAX_QUOTED);
            self.push(format!("{what} {name} contains a control character"));
        }
    }

    /// Requires that no name of a list is empty or repeated.
    pub(crate) fn require_distinct_names<N: AsRef<str>>(&mut self, list: &str, names: &[N]) {
        // A list may have hundreds of thousands of names. A set finds repetitions in linear time.
        let mut seen = HashSet::new();
        for name in names.iter().map(AsRef::as_ref) {
            if name.is_empty() {
                self.push(format!("{list} contains an empty name"));
            } else if !seen.insert(name) {
                let name = quote(name, MAX_QUOTED);
                self.push(format!("{list} contains {name} twice"));
            }
        }
    }

    /// Requires a limit of at least 1.
    pub(crate) fn require_positive_limit(&mut self, limit: u32) {
        if limit == 0 {
            self.push("limit must be at least 1");
        }
    }

    /// Returns an `InvalidInput` error that names `what` and every problem, if there is any.
    pub(crate) fn into_result(self, what: &str) -> Result<(), Error> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let message = format!("invalid {what}: {}", self.problems.join("; "));
        // One error with every problem saves the user from fixing them one call at a time.
        let error = Error::invalid_input(message);
        if self.hints.is_empty() {
            return Err(error);
        }
        Err(error.with_hint(self.hints.join("; ")))
    }
}

impl Extend<String> for Problems {
    fn extend<I: IntoIterator<Item = String>>(&mut self, problems: I) {
        self.problems.extend(problems);
    }
}

/// The number of characters of a name that an error quotes.
const MAX_QUOTED: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_every_problem_and_each_hint_once() {
        assert!(Problems::default().into_result("query").is_ok());
        let mut problems = Problems::default();
        problems.require_name("metric name", "");
        problems.require_name("metric name", "a\u{7}");
        problems.require_name("metric name", "fine");
        problems.require_positive_limit(0);
        problems.require_positive_limit(1);
        problems.extend(["too late".to_owned()]);
        for hint in ["hurry", "wait", "hurry"] {
            problems.hint(hint);
        }
        let error = problems.into_result("query").unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"invalid query: metric name is empty; metric name "a\u{7}" contains a control character; limit must be at least 1; too late"#
        );
        assert_eq!(error.hint(), Some("hurry; wait"));
    }

    #[test]
    fn a_repeated_name_is_found_among_hundreds_of_thousands() {
        // Comparing each name with those before it would take minutes.
        let mut names: Vec<_> = (0..100_000)
            .map(|number| format!("metric.{number}"))
            .collect();
        names.extend(["metric.7".into(), String::new()]);
        let mut problems = Problems::default();
        problems.require_distinct_names("group_by", &names);
        assert_eq!(
            problems.problems,
            [
                "group_by contains \"metric.7\" twice",
                "group_by contains an empty name"
            ]
        );
    }
}
