//! Bisects the range of a label to fetch groups that one response cannot hold.

use crate::model::filter::Filter;
use crate::model::series::Series;
use crate::request::query::Query;
use crate::time::deadline::Interrupt;
use crate::time::sort::sort_with_deadline;

/// The values of a label that are greater than `start` and at most `end`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelRange {
    start: Option<String>,
    end: Option<String>,
}

impl LabelRange {
    /// Returns true if the range excludes any value.
    pub(crate) const fn is_bounded(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    /// Returns the filter for values of `label` in this range, or `None` if it is unbounded.
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
    /// # Errors
    ///
    /// Returns the reason if the range cannot be bisected, or contains labels that its filter
    /// excludes.
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
        sort_with_deadline(&mut values, interrupt, Ord::cmp)?;
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

    fn contains(&self, value: &str) -> bool {
        self.start.as_deref().is_none_or(|start| value > start)
            && self.end.as_deref().is_none_or(|end| value <= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::labels::Labels;
    use crate::model::series::PointBuffer;
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
                let labels = Labels::new(vec![("t", *value)]).unwrap();
                Series::new(labels, PointBuffer::default()).unwrap()
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
