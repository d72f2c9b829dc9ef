//! The pages of an answer become one result.

use std::cmp::Ordering;

use crate::deadline::Deadline;
use crate::decode;
use crate::error::{Error, ErrorKind, one_line_of_ends};
use crate::granularity::Granularity;
use crate::labels::LabelIndex;
use crate::order::sort_by;
use crate::pages::{Walk, cut, is_full, judge, limited};
use crate::query::{Order, Query};
use crate::series::{Completeness, QueryResult, Series};

/// Walks all pages within `deadline` and puts them together.
pub(crate) fn gather(mut walk: Walk, deadline: &Deadline) -> Result<QueryResult, Error> {
    let mut union = Union::default();
    while let Some(page) = walk.next_page(deadline)? {
        for series in page {
            union.add(series).map_err(|why| walk.contradicted(&why))?;
        }
    }
    let completeness = walk.completeness()?;
    Ok(QueryResult { series: union.into_series(walk.query()), completeness })
}

impl QueryResult {
    /// Reads one answer of the service to `query`, without a network: to replay what was kept, and for tests.
    ///
    /// It is the code that [`Client::query`](crate::Client::query) reads answers with. The query says which format to
    /// expect: GROUPED with `group_by`, FLAT without.
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let query = Query::new("io.confluent.kafka.server/sent_bytes", Granularity::OneHour, Interval::last_hours(1));
    /// let answer = br#"{"data":[{"timestamp":"2026-01-01T00:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, answer)?;
    /// assert_eq!(result.series()[0].last().unwrap().value, 1574.0);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) where it is not such an answer, and says where;
    /// [`Incomplete`](ErrorKind::Incomplete) where it is only one page of several, unless the query has a limit that is
    /// reached, or allows it.
    pub fn from_json(query: &Query, answer: &[u8]) -> Result<Self, Error> {
        let page = decode::query_page(answer, query.is_grouped())
            .map_err(|why| Error::new(ErrorKind::Decode, one_line_of_ends(&why)))?;
        let full = is_full(query, &page);
        let mut series = page.series;
        let has_next = page.next != decode::Next::default();
        let count = series.len();
        let completeness = match query.limit {
            Some(limit) if cut(query, &mut series, count, limit, has_next) => limited(query),
            _ if has_next => judge(query, "it is one page of several".into())?,
            None if full => {
                judge(query, format!("with the granularity ALL it holds no more than {count} groups"))?
            }
            _ => Completeness::Complete,
        };
        Ok(Self { series: in_order(series, query), completeness })
    }
}

/// Series by their labels, each once.
#[derive(Default)]
struct Union {
    series: Vec<Series>,
    index: LabelIndex,
}

impl Union {
    fn add(&mut self, series: Series) -> Result<(), String> {
        let number = self.index.number(series.labels());
        let Some(known) = self.series.get_mut(number) else {
            self.series.push(series);
            return Ok(());
        };
        let points = series.into_points();
        known.absorb(points).map_err(|conflict| decode::contradiction(known.labels(), &conflict))
    }

    fn into_series(self, query: &Query) -> Vec<Series> {
        in_order(self.series, query)
    }
}

/// Groups in the order that the service gives them in, whichever windows and pages they came by:
/// by labels, or with the granularity ALL by value.
fn in_order(mut series: Vec<Series>, query: &Query) -> Vec<Series> {
    if query.granularity != Granularity::All {
        sort_by(&mut series, |a, b| a.labels().cmp(b.labels()));
        return series;
    }
    let by_value = |a: &Series, b: &Series| match (a.last(), b.last()) {
        (Some(a), Some(b)) if query.order == Some(Order::Ascending) => a.value.total_cmp(&b.value),
        (Some(a), Some(b)) => b.value.total_cmp(&a.value),
        // A group without a value comes last.
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
    };
    sort_by(&mut series, by_value);
    series
}
