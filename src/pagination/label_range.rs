//! Bisects the range of a label to fetch groups that one response cannot hold.
//!
//! With the granularity ALL the service returns at most 1000 groups and has no next page. Half of
//! the label range has fewer groups, so two narrower queries replace one whose response is full.
//!
//! ```text
//! page size 4, grouped by metric.topic
//! range (-∞, ∞)   response d a c b   full: the median of a b c d is b
//! range (b, ∞)    response c d e     not full: used
//! range (-∞, b]   response a b       not full: used
//! ```
//!
//! Each half excludes at least one label of the response, so the bisection ends.

use crate::model::filter::Filter;
use crate::model::series::Series;
use crate::request::query::Query;
use crate::time::deadline::Interrupt;
use crate::time::sort::sort_with_deadline;

/// The values of a label that are greater than `start` and at most `end`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelRange {
    /// The exclusive lower bound, or `None` if there is none.
    start: Option<String>,
    /// The inclusive upper bound, or `None` if there is none.
    end: Option<String>,
}

impl LabelRange {
    /// Returns true if the range excludes any value.
    ///
    /// The first pass over a window is not bounded, and sends the filter of the query unchanged.
    pub(crate) const fn is_bounded(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    /// Returns the filter for values of `label` in this range, or `None` if it is unbounded.
    ///
    /// The upper bound is sent as NOT GT, which is also true for rows without the label.
    pub(crate) fn filter(&self, label: &str) -> Option<Filter> {
        let above_start = self.start.as_ref().map(|start| Filter::gt(label, start));
        let up_to_end = self.end.as_ref().map(|end| !Filter::gt(label, end));
        Filter::and_opt(above_start, up_to_end)
    }

    /// Returns the upper and the lower half of the range if its response is full, or nothing.
    ///
    /// The service selects the groups of a full response by their values, not by their labels. So
    /// the labels of a response do not tell those of the missing groups. The halves meet at the
    /// median label of the response. Every label lies in exactly one of them, whatever order the
    /// service compares labels in.
    ///
    /// If `is_full` is false, the labels are checked all the same.
    ///
    /// # Errors
    ///
    /// Returns the reason if the range cannot be bisected, or contains labels that its filter
    /// excludes.
    ///
    /// An interruption is such a reason too, and the caller tells it apart by the interrupt.
    pub(crate) fn bisect(
        &self,
        query: &Query,
        series: &[Series],
        is_full: bool,
        interrupt: &Interrupt<'_>,
    ) -> Result<Vec<Self>, String> {
        if query.order.is_some() {
            return Err("the rest cannot be fetched in a given order".into());
        }
        // A range bounds one label. With two, all groups may share the first.
        let [label] = query.group_by.as_slice() else {
            return Err("the rest cannot be fetched with several labels in group_by".into());
        };
        let mut values = Vec::with_capacity(series.len());
        for series in series {
            interrupt.step()?;
            let Some(value) = series.labels().get(label) else {
                return Err(format!(
                    "the rest cannot be fetched because a group has no {label}"
                ));
            };
            if !self.contains(value) {
                return Err(format!(
                    "the service returned {label}={value:?}, which the filter excludes"
                ));
            }
            values.push(value);
        }
        if !is_full {
            return Ok(Vec::new());
        }
        sort_with_deadline(&mut values, interrupt, &Ord::cmp)?;
        // Rows count towards the page size. Two of them can have one label.
        values.dedup();
        let Some(last) = values.len().checked_sub(2) else {
            return Err(format!("all groups have the same {label}"));
        };
        // At least one value lies above the median, so both halves are narrower than the range.
        let median = values[last / 2].to_owned();
        let upper = Self {
            start: Some(median.clone()),
            end: self.end.clone(),
        };
        let lower = Self {
            start: self.start.clone(),
            end: Some(median),
        };
        Ok(vec![upper, lower])
    }

    /// Returns true if `value` lies in the range.
    fn contains(&self, value: &str) -> bool {
        // Compared byte by byte, as the service does for a filter on a text.
        self.start.as_deref().is_none_or(|start| value > start)
            && self.end.as_deref().is_none_or(|end| value <= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::labels::Labels;
    use crate::time::deadline::Deadline;
    use crate::time::granularity::Granularity;
    use crate::time::interval::Interval;

    fn range(start: Option<&str>, end: Option<&str>) -> LabelRange {
        LabelRange {
            start: start.map(Into::into),
            end: end.map(Into::into),
        }
    }

    fn bisect(range: &LabelRange, values: &[&str]) -> Result<Vec<LabelRange>, String> {
        let query = Query::new("m", Granularity::All, Interval::last_hours(1)).group_by(["t"]);
        let series: Vec<_> = values
            .iter()
            .map(|value| {
                let labels = Labels::new(&[("t", *value)]).unwrap();
                Series::new(labels, Vec::new())
            })
            .collect();
        let never = Deadline::never();
        range.bisect(&query, &series, true, &Interrupt::new(&never))
    }

    #[test]
    fn the_halves_meet_at_the_median_and_are_narrower() {
        for (full, values, median) in [
            (range(None, None), vec!["d", "a", "c", "b"], "b"),
            (range(None, None), vec!["b", "a"], "a"),
            (range(Some("a"), Some("d")), vec!["d", "b"], "b"),
            (range(Some("a"), None), vec!["b", "c", "d"], "b"),
        ] {
            let upper = LabelRange {
                start: Some(median.into()),
                ..full.clone()
            };
            let lower = LabelRange {
                end: Some(median.into()),
                ..full.clone()
            };
            assert_eq!(bisect(&full, &values).unwrap(), [upper, lower]);
        }
    }

    #[test]
    fn equal_or_excluded_labels_cannot_be_bisected() {
        assert_eq!(
            bisect(&range(None, None), &["a", "a"]).unwrap_err(),
            "all groups have the same t"
        );
        assert_eq!(
            bisect(&range(Some("a"), None), &["b", "a"]).unwrap_err(),
            "the service returned t=\"a\", which the filter excludes"
        );
    }
}
