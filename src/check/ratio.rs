//! The numbers of a window: each series reduced and, with a divisor, divided.
//!
//! ```text
//! dividend {topic="a"} 6, {topic="b"} 2
//! divisor  {topic="a"} 3, {topic="c"} 5
//!
//! {topic="a"}  2
//! {topic="b"}  missing: no divisor
//! {topic="c"}  missing: nothing to divide
//! ```

use crate::check::reduce::Reduce;
use crate::check::value::{Coverage, Limits, Reduced, reduce_series};
use crate::check::window::CheckWindow;
use crate::model::label_index::LabelIndex;
use crate::model::labels::Labels;
use crate::model::query_result::QueryResult;
use crate::model::series::{Point, Series};

/// The result of one query of a check.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The result, which belongs to the window.
    pub(crate) result: &'a QueryResult,
    /// The buckets of the query.
    pub(crate) window: CheckWindow,
    /// True if the query has labels to group by.
    pub(crate) is_grouped: bool,
}

/// The rules by which a check turns a series into a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The function that reduces each series.
    pub(crate) reduce: Reduce,
    /// The requirements on the age and the coverage of each series.
    pub(crate) limits: Limits,
}

/// The number of one series in one window.
#[derive(Debug)]
pub(crate) struct Measurement<'a> {
    /// The labels of the series.
    pub(crate) labels: &'a Labels,
    /// The series, or `None` if only the divisor has one with these labels.
    pub(crate) series: Option<&'a Series>,
    /// The reduced value, divided if the check has a divisor.
    pub(crate) reduced: Reduced,
    /// The dividend and the divisor, if the value is a ratio.
    pub(crate) operands: Option<(f64, f64)>,
    /// The coverage of the divisor, if the value is a ratio.
    pub(crate) divisor_coverage: Option<Coverage>,
}

/// Finds the series of another result that have the same labels.
pub(crate) struct Partners {
    /// The indices of the labels of the other result.
    index: LabelIndex,
    /// One flag for each series of the other result: true if a partner was found.
    is_matched: Vec<bool>,
}

impl<'a> Measurement<'a> {
    /// Divides the value by that of the divisor, which is `None` if it has no such series.
    fn divide(&mut self, divisor: Option<&Reduced>, reduce: Reduce) {
        let (dividend, divisor) = match (&self.reduced, divisor) {
            (Reduced::Unusable(_), _) => return,
            // Before missing data, which `on_missing` could excuse.
            (_, Some(Reduced::Unusable(reason))) => {
                self.reduced = Reduced::Unusable(format!("divisor: {reason}"));
                return;
            }
            (Reduced::Missing(_), _) => return,
            (_, Some(Reduced::Missing(reason))) => {
                self.reduced = Reduced::Missing(format!("divisor: {reason}"));
                return;
            }
            (_, None) => {
                self.reduced = Reduced::Missing("the divisor has no such series".into());
                return;
            }
            (Reduced::Value(point, coverage), Some(Reduced::Value(divisor, divisor_coverage))) => {
                self.divisor_coverage = Some(*divisor_coverage);
                ((*point, *coverage), divisor.value)
            }
        };
        let (point, coverage) = dividend;
        self.operands = Some((point.value, divisor));
        // Division by zero would be infinite, which violates or meets a threshold by accident.
        self.reduced = if divisor == 0.0 {
            Reduced::Missing(format!("the divisor, {}, is 0", reduce.description()))
        } else {
            let value = point.value / divisor;
            if value.is_finite() {
                Reduced::Value(Point { value, ..point }, coverage)
            } else {
                Reduced::Unusable("the ratio overflows".into())
            }
        };
    }

    /// Returns the measurement of a series that only the divisor has.
    fn of_divisor(labels: &'a Labels, divisor: &Reduced) -> Self {
        Self {
            labels,
            series: None,
            reduced: match divisor {
                Reduced::Unusable(reason) => Reduced::Unusable(format!("divisor: {reason}")),
                Reduced::Value(..) | Reduced::Missing(_) => {
                    Reduced::Missing("only the divisor has this series".into())
                }
            },
            operands: None,
            divisor_coverage: None,
        }
    }
}

impl Partners {
    /// Indexes the series of the other result by their labels.
    pub(crate) fn new<'a>(labels: impl ExactSizeIterator<Item = &'a Labels>) -> Self {
        let mut index = LabelIndex::default();
        let is_matched = vec![false; labels.len()];
        for labels in labels {
            index.get_or_insert(labels);
        }
        Self { index, is_matched }
    }

    /// Returns the position of the series with these labels in the other result.
    pub(crate) fn find(&mut self, labels: &Labels) -> Option<usize> {
        // Labels that the other result lacks are inserted behind its own.
        let position = self.index.get_or_insert(labels);
        *self.is_matched.get_mut(position)? = true;
        Some(position)
    }

    /// Returns true if the series at this position has a partner.
    pub(crate) fn is_matched(&self, position: usize) -> bool {
        self.is_matched.get(position).copied().unwrap_or(true)
    }
}

/// Returns the number of every series of `values`, divided by those of `divisors`.
///
/// The order is that of the result, followed by the series that only the divisor has.
pub(crate) fn measure<'a>(
    rules: Rules,
    values: &Source<'a>,
    divisors: Option<&Source<'a>>,
) -> Vec<Measurement<'a>> {
    let mut measurements = Vec::new();
    for series in values.result.series() {
        measurements.push(Measurement {
            labels: series.labels(),
            series: Some(series),
            reduced: reduce_series(series, &values.window, rules.reduce, rules.limits),
            operands: None,
            divisor_coverage: None,
        });
    }
    let Some(source) = divisors else {
        return measurements;
    };
    let series = source.result.series();
    let mut divisors = Vec::new();
    for series in series {
        divisors.push(reduce_series(
            series,
            &source.window,
            rules.reduce,
            rules.limits,
        ));
    }
    // A divisor without labels is one series, which divides every other.
    if !source.is_grouped {
        for measurement in &mut measurements {
            measurement.divide(divisors.first(), rules.reduce);
        }
        return measurements;
    }
    // By an index: there may be thousands of series on either side.
    let mut partners = Partners::new(series.iter().map(Series::labels));
    for measurement in &mut measurements {
        let divisor = partners
            .find(measurement.labels)
            .and_then(|position| divisors.get(position));
        measurement.divide(divisor, rules.reduce);
    }
    for (position, (series, divisor)) in series.iter().zip(&divisors).enumerate() {
        if !partners.is_matched(position) {
            measurements.push(Measurement::of_divisor(series.labels(), divisor));
        }
    }
    measurements
}
