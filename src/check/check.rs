//! A check: a query, a reduction, thresholds, and the rules for missing data.

use std::time::Duration;

use crate::check::change::Comparison;
use crate::check::datapoints::Datapoints;
use crate::check::missing::Missing;
use crate::check::quantifier::Quantifier;
use crate::check::reduce::Reduce;
#[cfg(doc)]
use crate::check::status::Status;
use crate::check::threshold::{Threshold, Thresholds};
use crate::check::value::Limits;
use crate::request::query::Query;

/// A query, and what its result must be.
///
/// Creating a check never fails. A check that can never fail, or cannot be evaluated, reports
/// [`Unknown`](Status::Unknown) without sending a request.
///
/// ```
/// use confluent_metrics::check::{Check, Status, Threshold};
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let metric = "io.confluent.kafka.server/consumer_lag_offsets";
/// let lag = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
///     .filter(Resource::kafka("lkc-1"))
///     .group_by(["metric.consumer_group_id"]);
/// let report = Check::new(lag)
///     .named("consumer lag")
///     .warning(Threshold::above(1e9))
///     .critical(Threshold::above(1e12))
///     .expect_labels("metric.consumer_group_id", ["analytics", "billing"])
///     .run(&client);
/// println!("{report}");
/// # let findings = report.findings().iter();
/// # let mut groups = findings.map(|finding| finding.labels().get("metric.consumer_group_id"));
/// # // The demo data of this group comes and goes.
/// # if !groups.any(|group| group == Some("nightly-export")) {
/// assert_eq!(report.status(), Status::Ok);
/// # }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a check has no effect until it is run"]
#[doc(alias = "gate")]
#[doc(alias = "alert")]
#[doc(alias = "assertion")]
pub struct Check {
    /// The query of the data.
    pub(super) query: Query,
    /// The name in reports, or `None` to use the metric.
    pub(super) name: Option<String>,
    /// The function that reduces each series to one value.
    pub(super) reduce: Reduce,
    /// The ranges outside of which a value is a violation.
    pub(super) thresholds: Thresholds,
    /// The number of series that must violate a threshold.
    pub(super) quantifier: Quantifier,
    /// The requirements on the age and the coverage of the data.
    pub(super) limits: Limits,
    /// The least number of series, or `None` for any number.
    pub(super) min_series: Option<usize>,
    /// Labels with the values that must occur.
    pub(super) expected_labels: Vec<(String, Vec<String>)>,
    /// The status of data that is missing.
    pub(super) on_missing: Missing,
    /// The query that the values are divided by, or `None` to check them as they are.
    pub(super) divisor: Option<Query>,
    /// The comparison with an earlier window, or `None` to check the values themselves.
    pub(super) comparison: Option<Comparison>,
    /// The number of single buckets that must violate a threshold, or `None` to reduce them.
    pub(super) datapoints: Option<Datapoints>,
}

impl Check {
    /// Creates a check of every series in the result of `query`.
    ///
    /// It needs at least one threshold or expectation.
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Threshold};
    /// use confluent_metrics::{Granularity, Interval, Query, Resource};
    ///
    /// let lag = "io.confluent.kafka.server/consumer_lag_offsets";
    /// let query = Query::new(lag, Granularity::OneMinute, Interval::last_minutes(15))
    ///     .filter(Resource::kafka("lkc-1"))
    ///     .group_by(["metric.consumer_group_id"]);
    /// let check = Check::new(query).critical(Threshold::above(10_000.0));
    /// # let _ = check;
    /// ```
    pub fn new(query: Query) -> Self {
        Self {
            query,
            name: None,
            reduce: Reduce::default(),
            thresholds: Thresholds::default(),
            quantifier: Quantifier::default(),
            limits: Limits::default(),
            min_series: None,
            expected_labels: Vec::new(),
            on_missing: Missing::default(),
            divisor: None,
            comparison: None,
            datapoints: None,
        }
    }

    /// Sets the name of the check in reports.
    ///
    /// Defaults to the metric.
    ///
    /// ```
    /// # use confluent_metrics::check::Check;
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// let check = Check::new(query).named("traffic");
    /// assert_eq!(check.name(), "traffic");
    /// ```
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the function that turns the points of each series into one value.
    ///
    /// Defaults to [`Reduce::Last`].
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Reduce, Status, Threshold};
    /// # use confluent_metrics::{Granularity, Query, QueryResult};
    /// # let query = Query::new(
    /// #     "sent_bytes",
    /// #     Granularity::OneMinute,
    /// #     "2026-01-01T10:00:00Z/PT2M".parse()?,
    /// # );
    /// # let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":9.0},
    /// #     {"timestamp":"2026-01-01T10:01:00Z","value":5.0}]}"#;
    /// # let result = QueryResult::from_json(&query, body)?;
    /// # let now = "2026-01-01T10:10:00Z".parse()?;
    /// // The points of the series are 9 and 5.
    /// let check = Check::new(query).critical(Threshold::above(8.0));
    /// assert_eq!(check.judge(&result, now).status(), Status::Ok);
    /// let check = check.reduce(Reduce::Max);
    /// assert_eq!(check.judge(&result, now).status(), Status::Critical);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn reduce(mut self, reduce: Reduce) -> Self {
        self.reduce = reduce;
        self
    }

    /// Sets the threshold whose violation is a [`Warning`](Status::Warning).
    ///
    /// Defaults to none.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Threshold};
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// let check = Check::new(query)
    ///     .warning(Threshold::above(1000.0))
    ///     .critical(Threshold::above(5000.0));
    /// ```
    pub const fn warning(mut self, threshold: Threshold) -> Self {
        self.thresholds.warning = Some(threshold);
        self
    }

    /// Sets the threshold whose violation is [`Critical`](Status::Critical).
    ///
    /// Defaults to none.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Threshold};
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// let check = Check::new(query).critical("10:20".parse()?);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn critical(mut self, threshold: Threshold) -> Self {
        self.thresholds.critical = Some(threshold);
        self
    }

    /// Sets the number of series that must violate a threshold.
    ///
    /// Defaults to [`Quantifier::Any`].
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Quantifier, Status, Threshold};
    /// # use confluent_metrics::{Granularity, Query, QueryResult};
    /// # let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// # let query = Query::new("sent_bytes", Granularity::OneHour, hour).group_by(["g"]);
    /// # let point = r#"{"timestamp":"2026-01-01T10:00:00Z","value""#;
    /// # let body = format!(
    /// #     r#"{{"data":[{{"g":"a","points":[{point}:9}}]}},{{"g":"b","points":[{point}:5}}]}}]}}"#
    /// # );
    /// # let result = QueryResult::from_json(&query, body.as_bytes())?;
    /// # let now = "2026-01-01T11:10:00Z".parse()?;
    /// // The values of the two series are 9 and 5.
    /// let check = Check::new(query).critical(Threshold::above(8.0));
    /// assert_eq!(check.judge(&result, now).status(), Status::Critical);
    /// let check = check.quantifier(Quantifier::AtLeast(2));
    /// assert_eq!(check.judge(&result, now).status(), Status::Ok);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn quantifier(mut self, quantifier: Quantifier) -> Self {
        self.quantifier = quantifier;
        self
    }

    /// Sets the maximum age of the last point of a series. An older series is
    /// [`Unknown`](Status::Unknown).
    ///
    /// Defaults to two buckets with [`Reduce::Last`], and to any age otherwise.
    ///
    /// The age runs from the end of the bucket to now minus the client's [data latency], or to the
    /// end of the last interval if that is earlier. It cannot be used with [`Granularity::All`].
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Threshold};
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// use std::time::Duration;
    ///
    /// let check = Check::new(query)
    ///     .critical(Threshold::below(1.0))
    ///     .max_age(Duration::from_secs(15 * 60));
    /// ```
    ///
    /// [data latency]: crate::ClientBuilder::data_latency
    /// [`Granularity::All`]: crate::Granularity::All
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.limits.max_age = Some(age);
        self
    }

    /// Sets the share of the complete buckets that must have data, from 0 to 1. A series with less
    /// is [`Unknown`](Status::Unknown).
    ///
    /// Defaults to any share.
    ///
    /// If buckets lack data, the findings of every reduction but [`Reduce::Last`] say how many. It
    /// cannot be used with [`Granularity::All`](crate::Granularity::All), which is one bucket.
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Reduce, Status, Threshold};
    /// use confluent_metrics::{Granularity, Query, QueryResult};
    ///
    /// let day = "2026-01-01T00:00:00Z/P1D".parse()?;
    /// let query = Query::new("sent_bytes", Granularity::OneHour, day);
    /// let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// let now = "2026-01-02T12:00:00Z".parse()?;
    ///
    /// let check = Check::new(query)
    ///     .named("traffic")
    ///     .reduce(Reduce::Max)
    ///     .critical(Threshold::above(2000.0));
    /// assert_eq!(check.judge(&result, now).status(), Status::Ok);
    /// assert_eq!(
    ///     check.min_coverage(0.9).judge(&result, now).summary(),
    ///     "UNKNOWN: traffic: 1 of 24 buckets had data (min_coverage is 0.9)"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "completeness")]
    pub const fn min_coverage(mut self, share: f64) -> Self {
        self.limits.min_coverage = Some(share);
        self
    }

    /// Expects at least this number of series with data.
    ///
    /// Fewer give a finding with the status of [`on_missing`](Self::on_missing), or
    /// [`Unknown`](Status::Unknown) if that is OK. Without [`group_by`](Query::group_by) a result
    /// has one series, and a check that expects more is invalid.
    ///
    /// ```
    /// # use confluent_metrics::check::Check;
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// let check = Check::new(query.group_by(["metric.topic"])).expect_at_least(3);
    /// ```
    pub const fn expect_at_least(mut self, series: usize) -> Self {
        self.min_series = Some(series);
        self
    }

    /// Expects a series with data for each of these values of a label.
    ///
    /// A missing value gives a finding with the status of [`on_missing`](Self::on_missing), or
    /// [`Unknown`](Status::Unknown) if that is OK. Can be called repeatedly; all values are
    /// expected.
    ///
    /// The label must be in the query's [`group_by`](Query::group_by), and the filter must not
    /// exclude a value. Otherwise the check is invalid.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Status};
    /// # use confluent_metrics::{Granularity, Query, QueryResult};
    /// # let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// # let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// # let query = query.group_by(["metric.topic"]);
    /// # let body = br#"{"data":[{"metric.topic":"orders","points":[
    /// #     {"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}]}"#;
    /// # let result = QueryResult::from_json(&query, body)?;
    /// # let now = "2026-01-01T11:10:00Z".parse()?;
    /// // The result has data of the topic "orders" alone.
    /// let check = Check::new(query)
    ///     .named("traffic")
    ///     .expect_labels("metric.topic", ["orders", "payments"]);
    /// assert_eq!(
    ///     check.judge(&result, now).findings()[0].labels().get("metric.topic"),
    ///     Some("payments")
    /// );
    /// # assert_eq!(check.judge(&result, now).status(), Status::Unknown);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn expect_labels<V: Into<String>>(
        mut self,
        label: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.expected_labels.push((label.into(), values));
        self
    }

    /// Sets the status of missing data: no series, no point in the window, an unset watermark.
    ///
    /// Defaults to [`Missing::Unknown`].
    ///
    /// Stale data, incomplete results, errors and unmet expectations are never OK.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Missing, Status, Threshold};
    /// # use confluent_metrics::{Granularity, Query, QueryResult};
    /// # let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// # let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// # let result = QueryResult::from_json(&query, br#"{"data":[]}"#)?;
    /// # let now = "2026-01-01T11:10:00Z".parse()?;
    /// // The result has no series.
    /// let check = Check::new(query).critical(Threshold::above(0.0));
    /// assert_eq!(check.judge(&result, now).status(), Status::Unknown);
    /// let check = check.on_missing(Missing::Ok);
    /// assert_eq!(check.judge(&result, now).status(), Status::Ok);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub const fn on_missing(mut self, missing: Missing) -> Self {
        self.on_missing = missing;
        self
    }

    /// Returns the name of the check in reports.
    ///
    /// ```
    /// # use confluent_metrics::check::Check;
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// assert_eq!(Check::new(query).name(), "sent_bytes");
    /// ```
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.query.metric)
    }
}
