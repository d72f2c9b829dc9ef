//! [`QueryResult::from_json`] and [`QueryResult::from_series`]: results without a network.

use crate::decode::error::DecodeError;
use crate::decode::{self, NextPage, QueryPage};
use crate::error::{Error, ErrorKind};
use crate::model::query_result::{Completeness, QueryResult};
use crate::model::series::Series;
use crate::pagination::completeness::{apply_limit, completeness, may_be_truncated};
use crate::pagination::merge::sort_series;
use crate::request::plan::absolute_intervals;
use crate::request::query::Query;
use crate::time::deadline::{Deadline, Interrupt};
use crate::time::granularity::Granularity;
use crate::time::interval::TimeRange;
use crate::time::timestamp::Timestamp;
use crate::util::text::elide_middle;

impl QueryResult {
    /// Decodes one response of the service to `query`, without a network.
    ///
    /// Use it to test code that evaluates results, or to read responses that were stored. It is
    /// the decoder of [`Client::query`](crate::Client::query). The format follows from the query:
    /// GROUPED if it has `group_by`, else FLAT.
    ///
    /// No clock is read. If all intervals are absolute, every point must lie in one of them. If one
    /// is relative to now, times are not checked and [`intervals`](Self::intervals) is empty.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(1));
    /// let body = br#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// assert_eq!(result.series()[0].last().unwrap().value, 1574.0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput) if an absolute interval cannot be queried, for
    ///   example because its ends are not on the grid of the granularity.
    /// - [`Decode`](ErrorKind::Decode) if `body` is not a response to the query.
    /// - [`Incomplete`](ErrorKind::Incomplete) if further pages follow, unless the limit of the
    ///   query is reached, or the query allows truncated results.
    pub fn from_json(query: &Query, body: &[u8]) -> Result<Self, Error> {
        let intervals = absolute_intervals(query)?;
        let deadline = Deadline::never();
        let mut page = decode::query_page(body, query.row_format(), &deadline).map_err(
            |error| match error {
                DecodeError::Invalid(reason) => {
                    Error::new(ErrorKind::Decode, elide_middle(&reason))
                }
                DecodeError::Interrupted => deadline.error(),
            },
        )?;
        if let Some(intervals) = &intervals {
            reject_stray_points(query, intervals, &page.series)?;
        }
        let completeness = page_completeness(query, &mut page)?;
        let series = sort_series(page.series, query, &Interrupt::new(&deadline))
            .map_err(|_| deadline.error())?;
        Ok(Self {
            metric: query.metric.clone(),
            granularity: query.granularity,
            intervals: intervals.unwrap_or_default(),
            series,
            completeness,
        })
    }

    /// Creates a complete result of `query` from series in any order.
    ///
    /// Use it to test code that evaluates results. The series are sorted as those of a response.
    ///
    /// No clock is read. If all intervals are absolute, every point must lie in one of them. If one
    /// is relative to now, times are not checked and [`intervals`](Self::intervals) is empty.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if an absolute interval cannot be queried, two
    /// series have the same labels, or a point is outside all intervals.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Labels, Point, Query, QueryResult, Series, Timestamp};
    ///
    /// let start: Timestamp = "2026-01-01T10:00:00Z".parse()?;
    /// let series = ["orders", "audit"].map(|topic| {
    ///     let points = vec![Point { timestamp: start, value: 1574.0 }];
    ///     Series::new(Labels::from([("metric.topic", topic)]), points)
    /// });
    /// let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// let query = Query::new("sent_bytes", Granularity::OneHour, hour).group_by(["metric.topic"]);
    /// let result = QueryResult::from_series(&query, series)?;
    /// assert_eq!(&result.series()[0].labels()["metric.topic"], "audit");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn from_series(
        query: &Query,
        series: impl IntoIterator<Item = Series>,
    ) -> Result<Self, Error> {
        let intervals = absolute_intervals(query)?;
        let deadline = Deadline::never();
        let series = sort_series(
            series.into_iter().collect(),
            query,
            &Interrupt::new(&deadline),
        )
        .map_err(|_| deadline.error())?;
        let result = Self {
            metric: query.metric.clone(),
            granularity: query.granularity,
            intervals: intervals.unwrap_or_default(),
            series,
            completeness: Completeness::Complete,
        };
        match result.problem() {
            Some(problem) => Err(Error::invalid_input(format!("invalid result: {problem}"))),
            None => Ok(result),
        }
    }
}

/// Applies the limit of the query to a page, and returns the completeness of the page by itself.
///
/// The page is all that exists here, so a next page means that the result is incomplete.
fn page_completeness(query: &Query, page: &mut QueryPage) -> Result<Completeness, Error> {
    let has_next = page.next != NextPage::default();
    let may_be_truncated = may_be_truncated(query, page);
    let count = page.series.len();
    let is_limited = query
        .limit
        .is_some_and(|limit| apply_limit(query, &mut page.series, count, limit, has_next));
    let mut missing = Vec::new();
    if !is_limited && has_next {
        missing.push("only one page of several".to_owned());
    } else if query.limit.is_none() && may_be_truncated {
        missing.push(format!("granularity ALL returns at most {count} groups"));
    }
    completeness(query, is_limited, &missing)
}

/// Returns an error if a point is not at the start of a bucket, or outside all intervals.
///
/// Such a response belongs to another query. Nulls are checked like points.
fn reject_stray_points(
    query: &Query,
    intervals: &[TimeRange],
    series: &[Series],
) -> Result<(), Error> {
    // The time of the one bucket of ALL is not documented.
    if query.granularity == Granularity::All {
        return Ok(());
    }
    for series in series {
        if let Some(time) = series.off_grid_time(query.granularity) {
            return Err(stray_point(&format!(
                "point at {time} is not aligned to the granularity"
            )));
        }
        let times = series.points().iter().map(|point| point.timestamp);
        for time in times.chain(series.newest_null()) {
            if !intervals.iter().any(|interval| contains(*interval, time)) {
                return Err(stray_point(&format!(
                    "point at {time} is outside all intervals"
                )));
            }
        }
    }
    Ok(())
}

/// Returns the error of a point that the query did not ask for. There is no status here.
fn stray_point(reason: &str) -> Error {
    let message = format!("response does not match the request: {reason}");
    Error::new(ErrorKind::Decode, message)
}

/// Returns true if `time` is in the range. The end is exclusive.
fn contains((start, end): TimeRange, time: Timestamp) -> bool {
    start <= time && time < end
}
