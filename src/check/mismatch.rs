//! The reasons why a result cannot be judged, or only in part.

use std::error::Error as StdError;

use crate::check::window::CheckWindow;
use crate::error::Error;
use crate::model::query_result::{Completeness, QueryResult};
use crate::model::series::{Point, Series};
use crate::request::query::Query;
use crate::util::text::sanitize_line;

/// The characters of a metric that a message shows.
const MAX_METRIC: usize = 200;

/// Returns a reason if no bucket of the window may count.
pub(crate) fn empty_window_reason(window: &CheckWindow) -> Option<String> {
    let until = window.settled_until();
    match window.bounds() {
        None => Some(format!(
            "no complete bucket: no interval contains one that ends by {until}"
        )),
        Some((start, end)) if window.buckets() == 0 => Some(format!(
            "no complete bucket in {start}/{end}: only buckets that end by {until} are complete"
        )),
        Some(_) => None,
    }
}

/// Returns a reason if the result cannot be one of the query.
pub(crate) fn mismatch_reason(
    query: &Query,
    result: &QueryResult,
    window: &CheckWindow,
) -> Option<String> {
    let reason = query_mismatch(query, result, window).or_else(|| {
        result
            .series()
            .iter()
            .find_map(|series| series_mismatch(series, window))
    })?;
    Some(format!("response does not match the query: {reason}"))
}

/// Returns a reason if the result is of another metric, granularity or time.
fn query_mismatch(query: &Query, result: &QueryResult, window: &CheckWindow) -> Option<String> {
    // Results of one check are easily swapped: they have the same labels and times.
    if result.metric() != query.metric {
        let expected = sanitize_line(&query.metric, MAX_METRIC);
        let found = sanitize_line(result.metric(), MAX_METRIC);
        return Some(format!("expected the metric {expected}, found {found}"));
    }
    if result.granularity() != query.granularity {
        return Some(format!(
            "expected granularity {}, found {}",
            query.granularity,
            result.granularity()
        ));
    }
    // A stored response of a relative interval does not tell its times, and a truncated result may
    // lack buckets.
    let intervals = result.intervals();
    if !intervals.is_empty()
        && !matches!(result.completeness(), Completeness::Truncated { .. })
        && intervals != window.spans()
    {
        let (start, end) = window.bounds()?;
        let (first, last) = (intervals.first()?.0, intervals.last()?.1);
        return Some(format!("expected {start}/{end}, found {first}/{last}"));
    }
    if query.group_by.is_empty() && result.series().len() > 1 {
        return Some(format!(
            "a query without group_by has one series, found {}",
            result.series().len()
        ));
    }
    None
}

/// Returns a reason if a point or null cannot be one of the query.
fn series_mismatch(series: &Series, window: &CheckWindow) -> Option<String> {
    // A null has the same place as a point.
    let null = series.newest_null().map(|timestamp| Point {
        timestamp,
        value: 0.0,
    });
    for point in series.points().iter().copied().chain(null) {
        let timestamp = point.timestamp;
        if window.rejects(point) {
            let (start, end) = window.bounds()?;
            return Some(format!("point at {timestamp} is outside {start}/{end}"));
        }
        if !window.starts_a_bucket_at(point) {
            return Some(format!(
                "point at {timestamp} is not aligned to the granularity"
            ));
        }
    }
    (window.is_one_bucket() && series.points().len() > 1)
        .then(|| "a series has several points, but granularity ALL has one bucket".to_owned())
}

/// Returns a reason if the result is truncated or limited.
pub(crate) fn incomplete_reason(
    completeness: &Completeness,
    window: &CheckWindow,
) -> Option<String> {
    let reason = match completeness {
        // `from_json` reads no clock, so it does not know about buckets that were left out.
        Completeness::Complete => window.truncated()?.to_owned(),
        Completeness::Limited { limit } => {
            format!("cut at the query's limit of {limit} groups, so the rest was not checked")
        }
        Completeness::Truncated { missing } => missing.clone(),
    };
    Some(format!("incomplete result: {reason}"))
}

/// Returns an error, its sources and its hint as one line.
pub(crate) fn error_chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = sanitize_line(&error.to_string(), 400);
        line.push_str(&format!("; cause: {cause}"));
        source = error.source();
    }
    if let Some(hint) = error.hint() {
        line.push_str(&format!("; hint: {hint}"));
    }
    line
}
