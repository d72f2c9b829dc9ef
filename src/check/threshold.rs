use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::util::text::sanitize_line;

/// Which values are bad.
///
/// The text form is the [range syntax of monitoring
/// plugins](https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT):
///
/// | text | bad is | the same as |
/// | --- | --- | --- |
/// | `10` | below 0 or above 10 | `Threshold::outside(0.0, 10.0)` |
/// | `10:` | below 10 | `Threshold::below(10.0)` |
/// | `~:10` | above 10 | `Threshold::above(10.0)` |
/// | `10:20` | below 10 or above 20 | `Threshold::outside(10.0, 20.0)` |
/// | `@10:20` | from 10 to 20, both included | `Threshold::inside(10.0, 20.0)` |
///
/// Making one never fails. A bound that is infinite or not a number, and a start above its end, say nothing that could be
/// judged by: a check with such a threshold is always
/// unknown. Text of that kind is refused.
///
/// ```
/// use confluent_metrics::check::Threshold;
///
/// let threshold: Threshold = "~:1000".parse()?;
/// assert_eq!(threshold, Threshold::above(1000.0));
/// assert_eq!(threshold.to_string(), "~:1000");
/// let error = "10:2x".parse::<Threshold>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#""10:2x" is not a threshold: at character 5, 'x' does not belong to a number"#
/// );
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    start: Option<f64>,
    end: Option<f64>,
    /// Whether the values from start to end are the bad ones, and not the others.
    inside: bool,
}

/// What numbers are judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Thresholds {
    pub(crate) warning: Option<Threshold>,
    pub(crate) critical: Option<Threshold>,
}

impl Threshold {
    /// Values greater than `bound` are bad.
    pub fn above(bound: f64) -> Self {
        Self {
            start: None,
            end: Some(bound),
            inside: false,
        }
    }

    /// Values less than `bound` are bad.
    pub fn below(bound: f64) -> Self {
        Self {
            start: Some(bound),
            end: None,
            inside: false,
        }
    }

    /// Values less than `start` or greater than `end` are bad.
    pub fn outside(start: f64, end: f64) -> Self {
        Self {
            start: Some(start),
            end: Some(end),
            inside: false,
        }
    }

    /// Values from `start` to `end`, both included, are bad.
    pub fn inside(start: f64, end: f64) -> Self {
        Self {
            start: Some(start),
            end: Some(end),
            inside: true,
        }
    }

    /// Why nothing can be judged by it, if so.
    pub(crate) fn invalid_reason(&self) -> Option<String> {
        let bounds = [self.start, self.end].into_iter().flatten();
        match (
            bounds.into_iter().find(|bound| !bound.is_finite()),
            self.start,
            self.end,
        ) {
            (Some(bound), ..) => Some(format!(
                "{bound} is not a number that a value could be compared with"
            )),
            (None, Some(start), Some(end)) if start > end => Some(format!(
                "its start, {start}, is greater than its end, {end}"
            )),
            _ => None,
        }
    }

    /// What is bad about `value`, if anything: `is above 10`.
    pub(crate) fn violation(&self, value: f64) -> Option<String> {
        let below = self.start.filter(|start| value < *start);
        let above = self.end.filter(|end| value > *end);
        match (self.inside, below, above) {
            (false, Some(start), _) => Some(format!("is below {start}")),
            (false, None, Some(end)) => Some(format!("is above {end}")),
            (true, None, None) => Some(format!("lies {}", self.describe_range())),
            _ => None,
        }
    }

    fn describe_range(&self) -> String {
        match (self.start, self.end) {
            (Some(start), Some(end)) => format!("from {start} to {end}"),
            (Some(start), None) => format!("at {start} or above"),
            (None, Some(end)) => format!("at {end} or below"),
            (None, None) => "anywhere".into(),
        }
    }
}

impl Thresholds {
    pub(crate) fn is_empty(&self) -> bool {
        self.named().is_empty()
    }

    /// Those that there are, by name.
    pub(crate) fn named(&self) -> Vec<(&'static str, Threshold)> {
        let named = |name, threshold: Option<_>| threshold.map(|threshold| (name, threshold));
        [
            named("warning", self.warning),
            named("critical", self.critical),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// What is wrong with each.
    pub(crate) fn faults(&self) -> Vec<String> {
        let fault = |(name, threshold): &(&str, Threshold)| {
            threshold
                .invalid_reason()
                .map(|fault| format!("its {name} threshold says nothing: {fault}"))
        };
        self.named().iter().filter_map(fault).collect()
    }
}

impl FromStr for Threshold {
    type Err = Error;

    /// Reads a range: `10`, `10:`, `~:10`, `10:20`, each with an `@` in front to turn it round.
    ///
    /// A number is decimal, with a fraction and an exponent if need be: `-1.5e3`. Spaces and units are not taken.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), saying at which character of the text it fails, and why.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).map_err(|why| {
            let shown: String = text.chars().take(MAX_SHOWN).collect();
            let more = if shown.len() < text.len() { "…" } else { "" };
            let error = Error::invalid_input(format!("{shown:?}{more} is not a threshold: {why}"));
            // What a shell leaves of `~:10` is the path of a home directory.
            if text.starts_with('/') {
                error.with_hint("in a shell put quotes around a range with a ~")
            } else {
                error
            }
        })
    }
}

impl fmt::Display for Threshold {
    /// Prints the range that [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        match (self.start, self.end) {
            (Some(0.0), Some(end)) => write!(f, "{end}"),
            (Some(start), Some(end)) => write!(f, "{start}:{end}"),
            (Some(start), None) => write!(f, "{start}:"),
            (None, Some(end)) => write!(f, "~:{end}"),
            (None, None) => f.write_str("~:"),
        }
    }
}

const MAX_SHOWN: usize = 100;

fn parse(text: &str) -> Result<Threshold, String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let (inside, range) = text
        .strip_prefix('@')
        .map_or((false, text), |range| (true, range));
    let at = if inside { 2 } else { 1 };
    let (start, end) = match range.split_once(':') {
        None if range == "~" => {
            return Err(format!("at character {at}, the '~' has no ':' after it"));
        }
        None => (Some(0.0), Some(number(range, at)?)),
        Some(("", _)) => {
            return Err(format!(
                "at character {at}, nothing stands before the ':': write 0, or ~ for no bound"
            ));
        }
        Some((start, end)) => {
            let after = at + start.chars().count() + 1;
            let start = if start == "~" {
                None
            } else {
                Some(number(start, at)?)
            };
            (
                start,
                if end.is_empty() {
                    None
                } else {
                    Some(number(end, after)?)
                },
            )
        }
    };
    let threshold = Threshold { start, end, inside };
    match (start, end, threshold.invalid_reason()) {
        (None, None, _) if inside => {
            Err("every value lies in it, so that it would always fire".into())
        }
        (None, None, _) => Err("every value is within it, so that it would never fire".into()),
        (_, Some(end), Some(_)) if !range.contains(':') => {
            let turned = if inside { "@" } else { "" };
            Err(format!(
                "without a ':' it starts at 0, which is greater than its end, {end}: write {turned}~:{end}"
            ))
        }
        (_, _, Some(fault)) => Err(fault),
        _ => Ok(threshold),
    }
}

/// Reads a decimal number whose first character is number `at` of the whole text.
fn number(text: &str, at: usize) -> Result<f64, String> {
    for (place, c) in text.chars().enumerate() {
        let belongs = c.is_ascii_digit()
            || matches!(c, '.' | '-' | '+')
            || (place > 0 && matches!(c, 'e' | 'E'));
        if !belongs {
            let verb = if place == 0 { "begin" } else { "belong to" };
            return Err(format!(
                "at character {}, {c:?} does not {verb} a number",
                at + place
            ));
        }
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!(
            "at character {at}, {} is too large for a number",
            sanitize_line(text, 20)
        )),
        Err(_) if text.is_empty() => Err(format!("at character {at}, a number is missing")),
        Err(_) => Err(format!(
            "at character {at}, {} is not a number",
            sanitize_line(text, 20)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Threshold {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_read_and_printed_and_fires_where_it_should() {
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
            assert_eq!(read(text), threshold, "{text}");
            assert_eq!(threshold.to_string(), printed, "{text}");
            assert_eq!(read(printed), threshold, "{text} as it is printed");
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
    fn what_is_bad_is_said() {
        for (text, value, words) in [
            ("~:10", 11.5, "is above 10"),
            ("10:20", 9.0, "is below 10"),
            ("10:20", 21.0, "is above 20"),
            ("10:", -1.0, "is below 10"),
            ("@10:20", 20.0, "lies from 10 to 20"),
            ("@10:", 1e21, "lies at 10 or above"),
            ("@~:10", -1.0, "lies at 10 or below"),
        ] {
            assert_eq!(
                read(text).violation(value).as_deref(),
                Some(words),
                "{text}"
            );
        }
    }

    #[test]
    fn every_fault_of_a_text_is_pointed_at() {
        for (text, why) in [
            ("", "it is empty"),
            ("@", "at character 2, a number is missing"),
            ("x", "at character 1, 'x' does not begin a number"),
            (" 10", "at character 1, ' ' does not begin a number"),
            ("10 ", "at character 3, ' ' does not belong to a number"),
            ("10k", "at character 3, 'k' does not belong to a number"),
            ("1,5", "at character 2, ',' does not belong to a number"),
            ("@10:2ü", "at character 6, 'ü' does not belong to a number"),
            (
                "10:20:30",
                "at character 6, ':' does not belong to a number",
            ),
            ("10:~", "at character 4, '~' does not begin a number"),
            ("@@10", "at character 2, '@' does not begin a number"),
            ("~10:", "at character 1, '~' does not begin a number"),
            ("~", "at character 1, the '~' has no ':' after it"),
            ("@~", "at character 2, the '~' has no ':' after it"),
            (
                ":10",
                "at character 1, nothing stands before the ':': write 0, or ~ for no bound",
            ),
            (
                "@:",
                "at character 2, nothing stands before the ':': write 0, or ~ for no bound",
            ),
            ("1.2.3:5", "at character 1, 1.2.3 is not a number"),
            ("10:--5", "at character 4, --5 is not a number"),
            ("5e:", "at character 1, 5e is not a number"),
            ("~:.", "at character 3, . is not a number"),
            ("~:1e999", "at character 3, 1e999 is too large for a number"),
            ("~:inf", "at character 3, 'i' does not begin a number"),
            ("NaN", "at character 1, 'N' does not begin a number"),
            ("e5", "at character 1, 'e' does not begin a number"),
            (
                "~:",
                "every value is within it, so that it would never fire",
            ),
            (
                "@~:",
                "every value lies in it, so that it would always fire",
            ),
            ("20:10", "its start, 20, is greater than its end, 10"),
            ("@20:10", "its start, 20, is greater than its end, 10"),
            (
                "-5",
                "without a ':' it starts at 0, which is greater than its end, -5: write ~:-5",
            ),
            (
                "@-5",
                "without a ':' it starts at 0, which is greater than its end, -5: write @~:-5",
            ),
        ] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{text:?} is not a threshold: {why}")
            );
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        }
        let expanded = "/root:10".parse::<Threshold>().unwrap_err();
        assert_eq!(
            expanded.hint(),
            Some("in a shell put quotes around a range with a ~")
        );
        let long = "1"
            .repeat(1000)
            .parse::<Threshold>()
            .unwrap_err()
            .to_string();
        assert_eq!(
            long,
            format!(
                "\"{}\"… is not a threshold: at character 1, {}… is too large for a number",
                "1".repeat(100),
                "1".repeat(20)
            )
        );
    }

    #[test]
    fn what_nothing_can_be_judged_by_says_so() {
        for (threshold, fault) in [
            (
                Threshold::above(f64::NAN),
                "NaN is not a number that a value could be compared with",
            ),
            (
                Threshold::above(f64::INFINITY),
                "inf is not a number that a value could be compared with",
            ),
            (
                Threshold::below(f64::NEG_INFINITY),
                "-inf is not a number that a value could be compared with",
            ),
            (
                Threshold::outside(0.0, f64::NAN),
                "NaN is not a number that a value could be compared with",
            ),
            (
                Threshold::inside(f64::NAN, 0.0),
                "NaN is not a number that a value could be compared with",
            ),
            (
                Threshold::outside(20.0, 10.0),
                "its start, 20, is greater than its end, 10",
            ),
            (
                Threshold::inside(20.0, 10.0),
                "its start, 20, is greater than its end, 10",
            ),
        ] {
            assert_eq!(
                threshold.invalid_reason().as_deref(),
                Some(fault),
                "{threshold}"
            );
        }
    }
}
