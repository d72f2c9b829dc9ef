//! Decides if a query result is complete.
//!
//! The pager collects reasons while it reads pages. At the end, [`completeness`] turns them into a
//! verdict. All rules on limits and full responses are in this file.
//!
//! ```text
//! limit of the query  groups of the service  verdict
//! none                5                      Complete
//! 3                   5                      Limited, 3 series
//! 5                   5                      Complete; with ALL: Limited, since more may exist
//! any                 points are missing     Truncated if allowed, else an error
//! ```

use crate::decode::QueryPage;
use crate::error::{Error, ErrorKind};
use crate::model::query_result::Completeness;
use crate::model::series::Series;
use crate::request::query::{MAX_PAGE_SIZE, Query};
use crate::time::granularity::Granularity;

/// Returns the completeness of a result.
///
/// `is_limited` says if [`apply_limit`] cut the result. `missing` has a reason for each part that
/// the service did not return. Reasons take precedence: such a result is truncated, or an error
/// unless the query allows truncated results.
///
/// # Errors
///
/// `Incomplete` with all reasons, if there are any and the query does not allow them.
pub(crate) fn completeness(
    query: &Query,
    is_limited: bool,
    missing: &[String],
) -> Result<Completeness, Error> {
    if !missing.is_empty() {
        let missing = missing.join("; ");
        if query.allow_truncated {
            return Ok(Completeness::Truncated { missing });
        }
        return Err(incomplete_error(&missing).with_hint(
            "narrow the filter, set a limit, or accept partial results with \
             Query::allow_truncated",
        ));
    }
    match query.limit {
        Some(limit) if is_limited => Ok(Completeness::Limited { limit }),
        _ => Ok(Completeness::Complete),
    }
}

/// Returns the error of a response that arrived after the service dropped points of its window.
pub(crate) fn retention_error(reason: &str) -> Error {
    incomplete_error(reason).with_hint(
        "use Interval::retained, which leaves time for the call, or Query::allow_truncated",
    )
}

/// Returns the error of a result of which `missing` describes the missing part.
fn incomplete_error(missing: &str) -> Error {
    Error::new(
        ErrorKind::Incomplete,
        format!("incomplete result: {missing}"),
    )
}

/// Returns true if further groups may exist although the response is the last page.
///
/// With [`Granularity::All`] the service returns the groups with the greatest (or least) values,
/// up to its page size, and does not say if there are more.
///
/// Other granularities have pages instead, so their last page is the end of the result.
pub(crate) fn may_be_truncated(query: &Query, page: &QueryPage) -> bool {
    // The service may apply a smaller page size than the one requested, and says so. Rows count,
    // not series: the decoder merges two rows with the same labels into one series.
    let page_size = page
        .page_size
        .unwrap_or(u64::MAX)
        .min(u64::from(MAX_PAGE_SIZE));
    query.granularity == Granularity::All && query.is_grouped() && page.rows as u64 >= page_size
}

/// Cuts a page so that the result has at most `limit` groups, and returns true if groups are
/// missing or may be.
///
/// `received` counts the groups received so far, those of this page included.
///
/// `has_next` says if the response names a further page. `series` has the groups of this page
/// only, in the order of the service.
pub(crate) fn apply_limit(
    query: &Query,
    series: &mut Vec<Series>,
    received: usize,
    limit: u32,
    has_next: bool,
) -> bool {
    let limit = limit as usize;
    // Earlier pages were within the limit, so the surplus is at the end of this one.
    let surplus = received.saturating_sub(limit);
    series.truncate(series.len().saturating_sub(surplus));
    // With ALL the service does not say if there are more groups than requested.
    let may_have_more = has_next || query.granularity == Granularity::All;
    received > limit || (received == limit && may_have_more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::NextPage;
    use crate::model::labels::Labels;
    use crate::time::interval::Interval;

    fn query(granularity: Granularity) -> Query {
        Query::new("m", granularity, Interval::last_hours(1)).group_by(["metric.topic"])
    }

    fn groups(count: usize) -> Vec<Series> {
        let series = |index: usize| {
            Series::new(
                Labels::from([("metric.topic", index.to_string())]),
                Vec::new(),
            )
        };
        (0..count).map(series).collect()
    }

    #[test]
    fn a_limit_keeps_the_first_groups_and_tells_if_there_may_be_more() {
        let paged = Granularity::OneMinute;
        let all = Granularity::All;
        // Granularity, groups on earlier pages, groups of this page, next page: kept, limited.
        for (granularity, earlier, count, has_next, kept, is_limited) in [
            (paged, 0, 2, false, 2, false),
            (paged, 0, 2, true, 2, false),
            (paged, 0, 3, false, 3, false),
            (paged, 0, 3, true, 3, true),
            (paged, 0, 4, false, 3, true),
            (paged, 2, 1, false, 3, false),
            (paged, 2, 1, true, 3, true),
            (paged, 2, 2, false, 3, true),
            (all, 0, 2, false, 2, false),
            (all, 0, 3, false, 3, true),
            (all, 0, 4, false, 3, true),
        ] {
            let mut series = groups(count);
            let received = earlier + count;
            let limited = apply_limit(&query(granularity), &mut series, received, 3, has_next);
            assert_eq!((earlier + series.len(), limited), (kept, is_limited));
            assert_eq!(series, groups(kept - earlier));
        }
    }

    #[test]
    fn a_full_response_of_all_may_hide_groups() {
        let page = |rows, page_size| QueryPage {
            series: Vec::new(),
            rows,
            page_size,
            next: NextPage::default(),
        };
        let all = query(Granularity::All);
        for (rows, page_size, expected) in [
            (999, None, false),
            (1000, None, true),
            (9, Some(10), false),
            (10, Some(10), true),
            (1000, Some(2000), true),
        ] {
            assert_eq!(may_be_truncated(&all, &page(rows, page_size)), expected);
        }
        let paged = query(Granularity::OneMinute);
        assert!(!may_be_truncated(&paged, &page(1000, None)));
        let total = Query::new("m", Granularity::All, Interval::last_hours(1));
        assert!(!may_be_truncated(&total, &page(1, Some(1))));
    }
}
