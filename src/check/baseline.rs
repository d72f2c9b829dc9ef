//! The comparison of a window with the same window some time earlier.
//!
//! ```text
//!      baseline                              window
//! |----------------|                   |----------------|
//! start - shift    end - shift         start            end
//! ```

use std::time::Duration;

use crate::check::change::Comparison;
use crate::check::check::Check;
use crate::check::format::humanize::format_duration;
use crate::check::ratio::{Measurement, Partners, Rules, Source, measure};
use crate::check::value::Reduced;
use crate::model::labels::Labels;
use crate::request::query::Query;
use crate::time::call_context::CallContext;

/// One series of a check, with the number that the thresholds judge.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// The labels of the series.
    pub(crate) labels: &'a Labels,
    /// The number of the window, or `None` if only the baseline has the series.
    pub(crate) value: Option<Measurement<'a>>,
    /// The number of the baseline, or `None` without one.
    pub(crate) baseline: Option<Measurement<'a>>,
    /// The number that is judged: the value, or its change.
    pub(crate) number: Number,
}

/// The number that the thresholds judge, or the reason why there is none.
#[derive(Debug, PartialEq)]
pub(crate) enum Number {
    /// A finite number.
    Value(f64),
    /// There is no data.
    Missing(String),
    /// There is data, but it cannot be relied on.
    Unusable(String),
}

impl Number {
    /// Returns the value of a window as the number.
    fn of(reduced: &Reduced) -> Self {
        match reduced {
            Reduced::Value(point, _) => Self::Value(point.value),
            Reduced::Missing(reason) => Self::Missing(reason.clone()),
            Reduced::Unusable(reason) => Self::Unusable(reason.clone()),
        }
    }

    /// Returns the number, or `None` if there is none.
    pub(crate) const fn value(&self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Missing(_) | Self::Unusable(_) => None,
        }
    }
}

impl Check {
    /// Returns `query`, moved back to the window of the baseline.
    pub(super) fn shift_back(query: &Query, comparison: Comparison) -> Query {
        let mut earlier = query.clone();
        for interval in &mut earlier.intervals {
            *interval = interval.shifted_back(comparison.shift);
        }
        earlier
    }

    /// Returns a reason if the service no longer has all buckets of the baseline.
    pub(super) fn lost_baseline_reason(&self, context: &CallContext) -> Option<String> {
        // A stored result is judged without a retention.
        let comparison = self
            .comparison
            .filter(|_| context.retention < Duration::MAX)?;
        let mut longest = Duration::MAX;
        for interval in &self.query.intervals {
            // Other problems of an interval are those of the query.
            if let Ok(Some(shift)) = interval.longest_shift(self.query.granularity, context) {
                longest = longest.min(shift);
            }
        }
        // Also with `allow_truncated`: a baseline without its first buckets is another number.
        if comparison.shift <= longest {
            return None;
        }
        let retention = format_duration(context.retention);
        let shift = format_duration(comparison.shift);
        let advice = if longest.is_zero() {
            "no shift works for this window".to_owned()
        } else {
            format!(
                "the longest shift that works is {}",
                format_duration(longest)
            )
        };
        Some(format!(
            "cannot compare with the window {shift} earlier: \
             the service keeps points for {retention}, and {advice}"
        ))
    }

    /// Returns the number of queries for each window: with a divisor there are two.
    pub(super) const fn queries_per_window(&self) -> usize {
        if self.divisor.is_some() { 2 } else { 1 }
    }

    /// Returns the rules by which series become numbers.
    const fn rules(&self) -> Rules {
        Rules {
            reduce: self.reduce,
            limits: self.limits,
        }
    }

    /// Returns every series of the check, in the order of the result.
    ///
    /// `sources` has the results in the order of [`Check::queries`]. The series that the result
    /// lacks follow at the end.
    pub(super) fn rows<'a>(&self, sources: &[Source<'a>]) -> Vec<Row<'a>> {
        let rules = self.rules();
        let mut windows = Vec::new();
        for window in sources.chunks(self.queries_per_window()) {
            if let [values, divisors @ ..] = window {
                windows.push(measure(rules, values, divisors.first()));
            }
        }
        let mut windows = windows.into_iter();
        let values = windows.next().unwrap_or_default();
        match self.comparison {
            None => values.into_iter().map(Row::of_value).collect(),
            Some(comparison) => compare(values, windows.next().unwrap_or_default(), comparison),
        }
    }
}

impl<'a> Row<'a> {
    /// Creates the row of a check that judges the value itself.
    fn of_value(value: Measurement<'a>) -> Self {
        Self {
            labels: value.labels,
            number: Number::of(&value.reduced),
            value: Some(value),
            baseline: None,
        }
    }

    /// Creates the row of a check that judges the change.
    fn of_change(
        value: Measurement<'a>,
        baseline: Option<Measurement<'a>>,
        comparison: Comparison,
    ) -> Self {
        let number = change(
            &value.reduced,
            baseline.as_ref().map(|baseline| &baseline.reduced),
            comparison,
        );
        Self {
            labels: value.labels,
            value: Some(value),
            baseline,
            number,
        }
    }

    /// Creates the row of a series that only the baseline has.
    fn vanished(baseline: Measurement<'a>, comparison: Comparison) -> Self {
        let number = match &baseline.reduced {
            Reduced::Unusable(reason) => Number::Unusable(format!("baseline: {reason}")),
            Reduced::Value(..) | Reduced::Missing(_) => {
                let shift = format_duration(comparison.shift);
                Number::Missing(format!(
                    "vanished: only the window {shift} earlier has this series"
                ))
            }
        };
        Self {
            labels: baseline.labels,
            value: None,
            baseline: Some(baseline),
            number,
        }
    }
}

/// Matches the series of both windows by their labels.
fn compare<'a>(
    values: Vec<Measurement<'a>>,
    baselines: Vec<Measurement<'a>>,
    comparison: Comparison,
) -> Vec<Row<'a>> {
    let mut partners = Partners::new(baselines.iter().map(|baseline| baseline.labels));
    // What is left at the end has no partner.
    let mut baselines: Vec<_> = baselines.into_iter().map(Some).collect();
    let mut rows = Vec::new();
    for value in values {
        let baseline = partners
            .find(value.labels)
            .and_then(|position| baselines.get_mut(position)?.take());
        rows.push(Row::of_change(value, baseline, comparison));
    }
    for baseline in baselines.into_iter().flatten() {
        rows.push(Row::vanished(baseline, comparison));
    }
    rows
}

/// Returns the change of a series. What cannot be relied on is stronger than what is missing.
fn change(value: &Reduced, baseline: Option<&Reduced>, comparison: Comparison) -> Number {
    let (value, baseline) = match (value, baseline) {
        (Reduced::Unusable(reason), _) => return Number::Unusable(reason.clone()),
        (_, Some(Reduced::Unusable(reason))) => {
            return Number::Unusable(format!("baseline: {reason}"));
        }
        (Reduced::Missing(reason), _) => return Number::Missing(reason.clone()),
        (_, Some(Reduced::Missing(reason))) => {
            return Number::Missing(format!("baseline: {reason}"));
        }
        (_, None) => {
            let shift = format_duration(comparison.shift);
            return Number::Missing(format!(
                "new: the window {shift} earlier has no such series"
            ));
        }
        (Reduced::Value(value, _), Some(Reduced::Value(baseline, _))) => (value, baseline),
    };
    let kind = comparison.change;
    match kind.between(baseline.value, value.value) {
        None => Number::Missing(format!("no {kind} change from a baseline of 0")),
        Some(change) if change.is_finite() => Number::Value(change),
        Some(_) => Number::Unusable("the change overflows".into()),
    }
}
