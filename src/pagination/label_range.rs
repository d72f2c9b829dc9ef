//! Ranges of labels, by which groups are asked for that one answer does not hold.

use crate::model::filter::Filter;
use crate::model::series::Series;
use crate::request::query::Query;
use crate::time::deadline::Interrupt;
use crate::time::sort::sort_with_deadline;

/// The labels greater than `after` and not greater than `up_to`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelRange {
    start: Option<String>,
    end: Option<String>,
}

impl LabelRange {
    /// Whether it leaves any label out.
    pub(crate) fn is_bounded(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }

    /// The filter that `label` lies in the range; none where every label does.
    pub(crate) fn filter(&self, label: &str) -> Option<Filter> {
        let after = self.start.as_deref().map(|after| Filter::gt(label, after));
        let up_to = self.end.as_deref().map(|up_to| !Filter::gt(label, up_to));
        Filter::and_opt(after, up_to)
    }

    /// The halves of the range where its answer is full, none where it is not; or why more cannot be asked for.
    ///
    /// The service picks the groups of a full answer by their value, so none of them says where the others are. The halves
    /// meet at the middle label seen: whatever order the service compares labels in, each label lies in one of them.
    pub(crate) fn bisect(
        &self,
        query: &Query,
        series: &[Series],
        full: bool,
        interrupt: &Interrupt<'_>,
    ) -> Result<Vec<Self>, String> {
        if query.order.is_some() {
            return Err("with an order no more can be asked for".into());
        }
        let [label] = query.group_by.as_slice() else {
            return Err("with several labels in group_by no more can be asked for".into());
        };
        let mut values = Vec::with_capacity(series.len());
        for series in series {
            interrupt.step()?;
            match series.labels().get(label) {
                Some(value) if self.contains(value) => values.push(value),
                Some(value) => {
                    return Err(format!(
                        "a filter for more of them gave {label}={value:?}, which it excludes"
                    ));
                }
                None => {
                    return Err(format!(
                        "one of these groups has no {label}, so that more cannot be asked for"
                    ));
                }
            }
        }
        if !full {
            return Ok(Vec::new());
        }
        sort_with_deadline(&mut values, interrupt, Ord::cmp)?;
        values.dedup();
        // At least one value seen lies above the middle, so both halves are narrower than the range.
        let middle = values
            .len()
            .checked_sub(2)
            .and_then(|last| values.get(last / 2));
        let middle = (*middle.ok_or_else(|| format!("they do not differ in {label}"))?).to_owned();
        let upper = Self {
            start: Some(middle.clone()),
            end: self.end.clone(),
        };
        Ok(vec![
            upper,
            Self {
                start: self.start.clone(),
                end: Some(middle),
            },
        ])
    }

    fn contains(&self, value: &str) -> bool {
        self.start.as_deref().is_none_or(|after| value > after)
            && self.end.as_deref().is_none_or(|up_to| value <= up_to)
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

    fn halves(range: &LabelRange, values: &[&str]) -> Result<Vec<LabelRange>, String> {
        let query = Query::new("m", Granularity::All, Interval::last_hours(1)).group_by(["t"]);
        let series = |value: &&str| {
            let labels = Labels::new(vec![("t", *value)]).unwrap();
            Series::new(labels, PointBuffer::default()).unwrap()
        };
        let never = Deadline::never();
        let interrupt = Interrupt::new(&never);
        range.bisect(
            &query,
            &values.iter().map(series).collect::<Vec<_>>(),
            true,
            &interrupt,
        )
    }

    #[test]
    fn halves_meet_at_the_middle_and_are_narrower() {
        let range = |after: Option<&str>, up_to: Option<&str>| LabelRange {
            start: after.map(Into::into),
            end: up_to.map(Into::into),
        };
        for (whole, values, middle) in [
            (range(None, None), vec!["d", "a", "c", "b"], "b"),
            (range(None, None), vec!["b", "a"], "a"),
            (range(Some("a"), Some("d")), vec!["d", "b"], "b"),
            (range(Some("a"), None), vec!["b", "c", "d"], "b"),
        ] {
            let upper = LabelRange {
                start: Some(middle.into()),
                ..whole.clone()
            };
            let lower = LabelRange {
                end: Some(middle.into()),
                ..whole.clone()
            };
            assert_eq!(halves(&whole, &values).unwrap(), [upper, lower]);
        }
        assert_eq!(
            halves(&range(None, None), &["a", "a"]).unwrap_err(),
            "they do not differ in t"
        );
        assert_eq!(
            halves(&range(Some("a"), None), &["b", "a"]).unwrap_err(),
            "a filter for more of them gave t=\"a\", which it excludes"
        );
    }
}
