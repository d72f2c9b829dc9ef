//! The settings of a check that compare several numbers.

use std::time::Duration;

use crate::check::change::{Change, Comparison};
use crate::check::check::Check;
use crate::check::datapoints::Datapoints;
use crate::request::query::Query;

impl Check {
    /// Divides the value of each series by that of another query, such as errors by requests.
    ///
    /// Both queries must have the same granularity and intervals. Each series of either is
    /// [reduced](Self::reduce) first, and must meet [`max_age`](Self::max_age) and
    /// [`min_coverage`](Self::min_coverage). The thresholds judge the ratio.
    ///
    /// A series is divided by the one with the same labels. If `query` has no
    /// [`group_by`](Query::group_by), its one series divides every series. Otherwise both queries
    /// must group by the same labels.
    ///
    /// A ratio whose divisor is zero or missing is missing data. So is a series of the divisor
    /// without anything to divide.
    ///
    /// Defaults to no division.
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Reduce, Status, Threshold};
    /// use confluent_metrics::{Granularity, Query, QueryResult};
    ///
    /// let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// let query = |metric| Query::new(metric, Granularity::OneHour, hour);
    /// let check = Check::new(query("dead_letters"))
    ///     .named("error ratio")
    ///     .divide_by(query("received_records"))
    ///     .reduce(Reduce::Sum)
    ///     .critical(Threshold::above(0.01));
    ///
    /// let bodies = [
    ///     r#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":6.0}]}"#,
    ///     r#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":200.0}]}"#,
    /// ];
    /// let mut results = Vec::new();
    /// for (query, body) in check.queries().iter().zip(bodies) {
    ///     results.push(QueryResult::from_json(query, body.as_bytes())?);
    /// }
    /// let report = check.judge_all(&results, "2026-01-01T11:10:00Z".parse()?);
    /// assert_eq!(
    ///     report.summary(),
    ///     "CRITICAL: error ratio: the ratio of the sums, 0.03 (6 / 200 up to the bucket at \
    ///      2026-01-01T10:00:00Z), is above 0.01 (critical)"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "ratio")]
    pub fn divide_by(mut self, query: Query) -> Self {
        self.divisor = Some(query);
        self
    }

    /// Compares each series with its value in the window `shift` earlier, which is the baseline.
    ///
    /// The thresholds judge the change, and [`Change::Percent`] is in percent of the absolute value
    /// of the baseline. Series of the two windows are matched by their labels. With
    /// [`divide_by`](Self::divide_by), the ratio of one window is compared with that of the other.
    ///
    /// A series that is new, one that has vanished, and one whose baseline is missing are missing
    /// data. So is a baseline of zero, except for [`Change::Difference`].
    ///
    /// `shift` must be a multiple of the query's granularity. If the service no longer has the
    /// earlier window, nothing is sent, and the report names the longest shift that works.
    ///
    /// Defaults to no comparison.
    ///
    /// # Example: traffic against the same hour of the day before
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::check::{Change, Check, Reduce, Threshold};
    /// use confluent_metrics::{Granularity, Interval, Query, Resource};
    ///
    /// let metric = "io.confluent.kafka.server/received_bytes";
    /// let query = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
    ///     .filter(Resource::kafka("lkc-1"));
    /// let day = Duration::from_secs(86_400);
    /// let check = Check::new(query)
    ///     .reduce(Reduce::Sum)
    ///     .compare_to(day, Change::Percent)
    ///     .critical(Threshold::outside(-80.0, 400.0));
    /// ```
    #[doc(alias = "baseline")]
    pub const fn compare_to(mut self, shift: Duration, change: Change) -> Self {
        self.comparison = Some(Comparison { shift, change });
        self
    }

    /// Judges each of the last `of` complete buckets by itself. `required` of them must violate a
    /// threshold.
    ///
    /// A bucket without data is neither a violation nor OK:
    ///
    /// - If `required` buckets violate a threshold, the others do not matter.
    /// - If buckets without data could make it `required`, the series is
    ///   [`Unknown`](crate::check::Status::Unknown).
    /// - If fewer than `required` buckets have data, the series is Unknown.
    ///
    /// [`on_missing`](Self::on_missing) does not apply to buckets. Buckets before the window have
    /// no data. A bucket that violates the critical threshold counts for the warning, too.
    ///
    /// It cannot be used with a [reduction](Self::reduce), [`compare_to`](Self::compare_to),
    /// [`divide_by`](Self::divide_by) or [`Granularity::All`](crate::Granularity::All).
    ///
    /// Defaults to one value for each series.
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Status, Threshold};
    /// use confluent_metrics::{Granularity, Query, QueryResult};
    ///
    /// let query = Query::new(
    ///     "cluster_load_percent",
    ///     Granularity::OneMinute,
    ///     "2026-01-01T10:00:00Z/PT3M".parse()?,
    /// );
    /// let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":0.9},
    ///     {"timestamp":"2026-01-01T10:01:00Z","value":0.5},
    ///     {"timestamp":"2026-01-01T10:02:00Z","value":0.9}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// let report = Check::new(query)
    ///     .critical(Threshold::above(0.8))
    ///     .datapoints(2, 3)
    ///     .judge(&result, "2026-01-01T10:10:00Z".parse()?);
    /// assert_eq!(report.status(), Status::Critical);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "evaluation_periods")]
    pub const fn datapoints(mut self, required: usize, of: usize) -> Self {
        self.datapoints = Some(Datapoints { required, of });
        self
    }
}
