//! Thresholds in the range syntax of monitoring plugins.
//!
//! ```text
//! text      violated by
//! 10        values below 0 or above 10
//! 10:       values below 10
//! ~:10      values above 10
//! 10:20     values below 10 or above 20
//! @10:20    values from 10 to 20
//! ```

use std::fmt;
use std::str::FromStr;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::serde_text;
use crate::util::text::sanitize_line;

/// The characters of an invalid text that an error shows.
const MAX_SHOWN: usize = 100;

/// A range of values that violate a check.
///
/// The text form is the [range syntax of monitoring plugins]. It describes the good values, unless
/// it starts with `@`:
///
/// | text | violations | same as |
/// | --- | --- | --- |
/// | `10` | below 0 or above 10 | `Threshold::outside(0.0, 10.0)` |
/// | `10:` | below 10 | `Threshold::below(10.0)` |
/// | `~:10` | above 10 | `Threshold::above(10.0)` |
/// | `10:20` | below 10 or above 20 | `Threshold::outside(10.0, 20.0)` |
/// | `@10:20` | from 10 to 20, inclusive | `Threshold::inside(10.0, 20.0)` |
///
/// The constructors never fail. A check with an invalid threshold is
/// [`Unknown`](crate::check::Status::Unknown): a bound that is not finite, or a start that is
/// greater than the end. Parsing such a text is an error.
///
/// ```
/// use confluent_metrics::check::Threshold;
///
/// let threshold: Threshold = "~:1000".parse()?;
/// assert_eq!(threshold, Threshold::above(1000.0));
/// assert_eq!(threshold.to_string(), "~:1000");
///
/// let error = "10:2x".parse::<Threshold>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"invalid threshold "10:2x": unexpected 'x' at character 5"#
/// );
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
///
/// [range syntax of monitoring plugins]: https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "range")]
pub struct Threshold {
    /// The lower bound, or `None` for minus infinity.
    start: Option<f64>,
    /// The upper bound, or `None` for infinity.
    end: Option<f64>,
    /// True if the values from start to end are the violations, and not the others.
    inside: bool,
}

impl Threshold {
    /// Creates a threshold that values greater than `bound` violate.
    ///
    /// ```
    /// use confluent_metrics::check::Threshold;
    ///
    /// assert_eq!(Threshold::above(10.0), "~:10".parse()?);
    /// // `bound` itself is a good value. "At or above 100000" is a range of violations:
    /// let at_or_above: Threshold = "@100000:".parse()?;
    /// assert_ne!(at_or_above, Threshold::above(100_000.0));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn above(bound: f64) -> Self {
        Self {
            start: None,
            end: Some(bound),
            inside: false,
        }
    }

    /// Creates a threshold that values less than `bound` violate.
    ///
    /// ```
    /// use confluent_metrics::check::Threshold;
    ///
    /// assert_eq!(Threshold::below(10.0), "10:".parse()?);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn below(bound: f64) -> Self {
        Self {
            start: Some(bound),
            end: None,
            inside: false,
        }
    }

    /// Creates a threshold that values less than `start` or greater than `end` violate.
    ///
    /// ```
    /// use confluent_metrics::check::Threshold;
    ///
    /// assert_eq!(Threshold::outside(10.0, 20.0), "10:20".parse()?);
    /// assert_eq!(Threshold::outside(0.0, 20.0), "20".parse()?);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn outside(start: f64, end: f64) -> Self {
        Self {
            start: Some(start),
            end: Some(end),
            inside: false,
        }
    }

    /// Creates a threshold that values from `start` to `end` violate, both included.
    ///
    /// ```
    /// use confluent_metrics::check::Threshold;
    ///
    /// assert_eq!(Threshold::inside(10.0, 20.0), "@10:20".parse()?);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn inside(start: f64, end: f64) -> Self {
        Self {
            start: Some(start),
            end: Some(end),
            inside: true,
        }
    }

    /// Returns a reason if no value can be compared with this threshold.
    pub(crate) fn invalid_reason(&self) -> Option<String> {
        for bound in [self.start, self.end].into_iter().flatten() {
            if !bound.is_finite() {
                return Some(format!("bound {bound} is not finite"));
            }
        }
        if let (Some(start), Some(end)) = (self.start, self.end) {
            if start > end {
                return Some(format!("start {start} is greater than end {end}"));
            }
        }
        // Values are finite, so that none is beyond the least and the greatest number.
        let start = self.start.unwrap_or(f64::MIN);
        let end = self.end.unwrap_or(f64::MAX);
        (!self.inside && start == f64::MIN && end == f64::MAX)
            .then(|| "no value violates it".to_owned())
    }

    /// Returns how `value` violates this threshold, as in `is above 10`.
    pub(crate) fn violation(&self, value: f64) -> Option<String> {
        let below = self.start.filter(|start| value < *start);
        let above = self.end.filter(|end| value > *end);
        match (self.inside, below, above) {
            (false, Some(start), _) => Some(format!("is below {start}")),
            (false, None, Some(end)) => Some(format!("is above {end}")),
            (true, None, None) => Some(match (self.start, self.end) {
                (Some(start), Some(end)) => format!("is in the range from {start} to {end}"),
                (Some(start), None) => format!("is at or above {start}"),
                (None, Some(end)) => format!("is at or below {end}"),
                // Not a text that can be parsed, nor made by a constructor.
                (None, None) => "is a number".into(),
            }),
            _ => None,
        }
    }
}

impl fmt::Display for Threshold {
    /// Prints the range that [`FromStr`] parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        // A range without `:` starts at 0.
        match (self.start, self.end) {
            (Some(0.0), Some(end)) => write!(f, "{end}"),
            (Some(start), Some(end)) => write!(f, "{start}:{end}"),
            (Some(start), None) => write!(f, "{start}:"),
            (None, Some(end)) => write!(f, "~:{end}"),
            (None, None) => f.write_str("~:"),
        }
    }
}

impl FromStr for Threshold {
    type Err = Error;

    /// Parses a range: `10`, `10:`, `~:10` or `10:20`, each with an optional `@` in front.
    ///
    /// Numbers are decimal, with an optional fraction and exponent: `-1.5e3`. Spaces and units are
    /// not accepted.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), with the position of the character that
    /// is wrong.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map_err(|reason| {
            let shown: String = text.chars().take(MAX_SHOWN).collect();
            let more = if shown.len() < text.len() { "…" } else { "" };
            let message = format!("invalid threshold {shown:?}{more}: {reason}");
            let error = Error::invalid_input(message);
            // An unquoted `~:10` arrives as a path: the shell expands `~` to a home directory.
            if text.starts_with('/') {
                error.with_hint("quote ranges containing `~` in a shell")
            } else {
                error
            }
        })
    }
}

impl Serialize for Threshold {
    /// Serializes the text that `Display` prints.
    ///
    /// # Errors
    ///
    /// If the text cannot be read back: a bound is not finite, or the start is greater than the end.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.invalid_reason() {
            Some(reason) => Err(S::Error::custom(format!("invalid threshold: {reason}"))),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Threshold {
    /// Deserializes the text that [`FromStr`] parses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}

/// The thresholds of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Thresholds {
    /// The threshold of the status `Warning`.
    pub(crate) warning: Option<Threshold>,
    /// The threshold of the status `Critical`.
    pub(crate) critical: Option<Threshold>,
}

impl Thresholds {
    /// Returns true if neither threshold is set.
    pub(crate) const fn is_empty(&self) -> bool {
        self.warning.is_none() && self.critical.is_none()
    }

    /// Returns the thresholds that are set, with their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, Threshold)> {
        let warning = self.warning.map(|threshold| ("warning", threshold));
        let critical = self.critical.map(|threshold| ("critical", threshold));
        warning.into_iter().chain(critical)
    }

    /// Returns a message for each threshold that is invalid.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        self.iter().filter_map(|(name, threshold)| {
            let reason = threshold.invalid_reason()?;
            Some(format!("invalid {name} threshold: {reason}"))
        })
    }
}

/// Parses a range, or returns the reason why it is invalid.
fn parse(text: &str) -> Result<Threshold, String> {
    if text.is_empty() {
        return Err("text is empty".into());
    }
    let (inside, range) = match text.strip_prefix('@') {
        Some(range) => (true, range),
        None => (false, text),
    };
    // Positions in messages count from 1.
    let position = if inside { 2 } else { 1 };
    let (start, end) = parse_bounds(range, position)?;
    if start.is_none() && end.is_none() {
        let when = if inside { "always" } else { "never" };
        return Err(format!("it contains every value and would {when} alert"));
    }
    let threshold = Threshold { start, end, inside };
    match threshold.invalid_reason() {
        None => Ok(threshold),
        Some(_) if !range.contains(':') => {
            let at_sign = if inside { "@" } else { "" };
            // As it is written, because `1e300` would be printed with all its digits.
            let end = sanitize_line(range, 40);
            Err(format!(
                "without `:` the range starts at 0, which is greater than {end}: \
                 write {at_sign}~:{end}"
            ))
        }
        Some(reason) => Err(reason),
    }
}

/// Parses what follows an optional `@`. `position` is that of the first character, from 1.
fn parse_bounds(range: &str, position: usize) -> Result<(Option<f64>, Option<f64>), String> {
    let Some((start, end)) = range.split_once(':') else {
        if range == "~" {
            return Err(format!("expected `:` after `~` at character {position}"));
        }
        return Ok((Some(0.0), Some(parse_number(range, position)?)));
    };
    let end_position = position + start.chars().count() + 1;
    let start = match start {
        "" => {
            return Err(format!(
                "expected a number or `~` before `:` at character {position}"
            ));
        }
        "~" => None,
        _ => Some(parse_number(start, position)?),
    };
    let end = match end {
        "" => None,
        _ => Some(parse_number(end, end_position)?),
    };
    Ok((start, end))
}

/// Parses a decimal number. `str::parse` alone would accept `inf` and `nan`.
fn parse_number(text: &str, position: usize) -> Result<f64, String> {
    for (index, c) in text.chars().enumerate() {
        let is_expected = c.is_ascii_digit()
            || matches!(c, '.' | '-' | '+')
            || (index > 0 && matches!(c, 'e' | 'E'));
        if !is_expected {
            return Err(format!(
                "unexpected {c:?} at character {}",
                position + index
            ));
        }
    }
    let shown = sanitize_line(text, 20);
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("number too large at character {position}: {shown}")),
        Err(_) if text.is_empty() => Err(format!("expected a number at character {position}")),
        Err(_) => Err(format!("invalid number at character {position}: {shown}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Threshold {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_parsed_printed_and_compared() {
        for (text, printed, threshold, bad, good) in [
            (
                "10",
                "10",
                Threshold::outside(0.0, 10.0),
                [-0.1, 10.1],
                [0.0, 10.0],
            ),
            (
                "0:10",
                "10",
                Threshold::outside(0.0, 10.0),
                [-0.1, 10.1],
                [0.0, 10.0],
            ),
            (
                "10:",
                "10:",
                Threshold::below(10.0),
                [9.9, f64::MIN],
                [10.0, f64::MAX],
            ),
            (
                "~:10",
                "~:10",
                Threshold::above(10.0),
                [10.1, f64::MAX],
                [10.0, f64::MIN],
            ),
            (
                "10:20",
                "10:20",
                Threshold::outside(10.0, 20.0),
                [9.9, 20.1],
                [10.0, 20.0],
            ),
            (
                "10:10",
                "10:10",
                Threshold::outside(10.0, 10.0),
                [9.9, 10.1],
                [10.0, 10.0],
            ),
            (
                "@10:20",
                "@10:20",
                Threshold::inside(10.0, 20.0),
                [10.0, 20.0],
                [9.9, 20.1],
            ),
            (
                "@10",
                "@10",
                Threshold::inside(0.0, 10.0),
                [0.0, 10.0],
                [-0.1, 10.1],
            ),
            (
                "@0:0",
                "@0",
                Threshold::inside(0.0, 0.0),
                [0.0, -0.0],
                [0.1, -0.1],
            ),
            (
                "-20:-10.5",
                "-20:-10.5",
                Threshold::outside(-20.0, -10.5),
                [-20.1, -10.4],
                [-20.0, -10.5],
            ),
            (
                "~:-1e-3",
                "~:-0.001",
                Threshold::above(-0.001),
                [0.0, -0.0009],
                [-0.001, -1.0],
            ),
            (
                "+1.5E3:",
                "1500:",
                Threshold::below(1500.0),
                [0.0, 1499.0],
                [1500.0, 2e300],
            ),
            (
                "~:.5",
                "~:0.5",
                Threshold::above(0.5),
                [0.6, 1.0],
                [0.5, 0.0],
            ),
            (
                "@~:5",
                "@~:5",
                Threshold {
                    start: None,
                    end: Some(5.0),
                    inside: true,
                },
                [5.0, -9.0],
                [5.1, 6.0],
            ),
            (
                "@5:",
                "@5:",
                Threshold {
                    start: Some(5.0),
                    end: None,
                    inside: true,
                },
                [5.0, 6.0],
                [4.9, -9.0],
            ),
        ] {
            assert_eq!(parsed(text), threshold, "{text}");
            assert_eq!(threshold.to_string(), printed, "{text}");
            assert_eq!(parsed(printed), threshold, "{text} as printed");
            assert_eq!(threshold.invalid_reason(), None, "{text}");
            assert!(
                bad.iter()
                    .all(|value| threshold.violation(*value).is_some()),
                "{text}: {bad:?}"
            );
            assert!(
                good.iter()
                    .all(|value| threshold.violation(*value).is_none()),
                "{text}: {good:?}"
            );
        }
    }

    #[test]
    fn a_violation_names_the_bound() {
        for (text, value, violation) in [
            ("~:10", 11.5, "is above 10"),
            ("10:20", 9.0, "is below 10"),
            ("10:20", 21.0, "is above 20"),
            ("10:", -1.0, "is below 10"),
            ("@10:20", 20.0, "is in the range from 10 to 20"),
            ("@10:", 1e21, "is at or above 10"),
            ("@~:10", -1.0, "is at or below 10"),
        ] {
            assert_eq!(
                parsed(text).violation(value).as_deref(),
                Some(violation),
                "{text}"
            );
        }
    }

    #[test]
    fn an_error_names_the_position() {
        for (text, reason) in [
            ("", "text is empty"),
            ("@", "expected a number at character 2"),
            ("x", "unexpected 'x' at character 1"),
            (" 10", "unexpected ' ' at character 1"),
            ("10 ", "unexpected ' ' at character 3"),
            ("10k", "unexpected 'k' at character 3"),
            ("1,5", "unexpected ',' at character 2"),
            ("@10:2ü", "unexpected 'ü' at character 6"),
            ("10:20:30", "unexpected ':' at character 6"),
            ("10:~", "unexpected '~' at character 4"),
            ("@@10", "unexpected '@' at character 2"),
            ("~10:", "unexpected '~' at character 1"),
            ("~", "expected `:` after `~` at character 1"),
            ("@~", "expected `:` after `~` at character 2"),
            (":10", "expected a number or `~` before `:` at character 1"),
            ("@:", "expected a number or `~` before `:` at character 2"),
            ("1.2.3:5", "invalid number at character 1: 1.2.3"),
            ("10:--5", "invalid number at character 4: --5"),
            ("5e:", "invalid number at character 1: 5e"),
            ("~:.", "invalid number at character 3: ."),
            ("~:1e999", "number too large at character 3: 1e999"),
            ("~:inf", "unexpected 'i' at character 3"),
            ("NaN", "unexpected 'N' at character 1"),
            ("e5", "unexpected 'e' at character 1"),
            ("~:", "it contains every value and would never alert"),
            ("@~:", "it contains every value and would always alert"),
            ("20:10", "start 20 is greater than end 10"),
            ("@20:10", "start 20 is greater than end 10"),
            (
                "-5",
                "without `:` the range starts at 0, which is greater than -5: write ~:-5",
            ),
            (
                "-1e300",
                "without `:` the range starts at 0, which is greater than -1e300: write ~:-1e300",
            ),
            (
                "@-5",
                "without `:` the range starts at 0, which is greater than -5: write @~:-5",
            ),
        ] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("invalid threshold {text:?}: {reason}")
            );
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        }
        let expanded = "/root:10".parse::<Threshold>().unwrap_err();
        assert_eq!(
            expanded.hint(),
            Some("quote ranges containing `~` in a shell")
        );
        let long = "1"
            .repeat(1000)
            .parse::<Threshold>()
            .unwrap_err()
            .to_string();
        assert_eq!(
            long,
            format!(
                "invalid threshold \"{}\"…: number too large at character 1: {}…",
                "1".repeat(100),
                "1".repeat(20)
            )
        );
    }

    #[test]
    fn an_invalid_threshold_has_a_reason() {
        for (threshold, reason) in [
            (Threshold::above(f64::NAN), "bound NaN is not finite"),
            (Threshold::above(f64::INFINITY), "bound inf is not finite"),
            (Threshold::above(f64::MAX), "no value violates it"),
            (Threshold::below(f64::MIN), "no value violates it"),
            (
                Threshold::outside(f64::MIN, f64::MAX),
                "no value violates it",
            ),
            (
                Threshold::below(f64::NEG_INFINITY),
                "bound -inf is not finite",
            ),
            (Threshold::outside(0.0, f64::NAN), "bound NaN is not finite"),
            (Threshold::inside(f64::NAN, 0.0), "bound NaN is not finite"),
            (
                Threshold::outside(20.0, 10.0),
                "start 20 is greater than end 10",
            ),
            (
                Threshold::inside(20.0, 10.0),
                "start 20 is greater than end 10",
            ),
        ] {
            assert_eq!(
                threshold.invalid_reason().as_deref(),
                Some(reason),
                "{threshold}"
            );
        }
    }
}
