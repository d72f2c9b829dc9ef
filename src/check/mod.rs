//! Gates that cannot lie: a pipeline, a build or a monitor that depends on a metric.
//!
//! A gate on a metric is easily written so that it passes when there is no data: nothing is above the limit where there is
//! nothing. A [`Check`] fails closed. It says [`Ok`](Status::Ok) only where every number that it had to judge was there,
//! whole, settled, recent and within the thresholds. Whatever else happens has a status of its own and is told in words.
//!
//! ```
//! use confluent_metrics::check::{Check, Format, Status, Threshold};
//! use confluent_metrics::{Client, Granularity, Interval, Query, Resource};
//!
//! # use confluent_metrics::Credentials;
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
//! let load = "io.confluent.kafka.server/cluster_load_percent";
//! let query = Query::new(load, Granularity::FiveMinutes, Interval::last_hours(1)).filter(Resource::kafka("lkc-1"));
//! let report = Check::new(query).warning("~:0.7".parse()?).critical(Threshold::above(2.0)).run(&client);
//! report.write(Format::Text, &mut std::io::stdout())?;
//! // In a program of one's own: std::process::exit(report.exit_code().into())
//! assert_ne!(report.status(), Status::Unknown);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What decides
//!
//! | what comes | status |
//! | --- | --- |
//! | a number that crosses no threshold | Ok |
//! | a number that crosses the threshold for a [warning](Check::warning) | Warning |
//! | a number that crosses the [critical](Check::critical) threshold | Critical |
//! | no series at all | as [`on_missing`](Check::on_missing) says: Unknown unless set |
//! | a series without a point in the window, or without a settled one | as `on_missing` says |
//! | a watermark that is not set (`-9.223372036854776E18`, or any value at or below -4.6E18) | as `on_missing` says |
//! | a null that is [newer](crate::Series::newest_null) than every point, with [`Reduce::Last`] | as `on_missing` says |
//! | fewer numbers than a quantifier [needs](Quantifier::AtLeast) | as `on_missing` says |
//! | fewer series than [expected](Check::expect_at_least) | as `on_missing` says, and Unknown where that is Ok |
//! | an [expected value](Check::expect_labels) of a label that no series has | as `on_missing` says, and Unknown where that is Ok |
//! | a newest point that is [too old](Check::max_age) | Unknown |
//! | fewer buckets with data than [`min_coverage`](Check::min_coverage) asks for | Unknown |
//! | a sum, mean or rate too large for an `f64` | Unknown |
//! | a query with buckets off the grid, or that the service has begun to drop, or that are still filling up | Unknown |
//! | a clock that differs from the service's by more than a minute, with an interval relative to now | Unknown |
//! | an answer that is [not whole](crate::Completeness), cut by the query's own limit or truncated | Unknown |
//! | an answer with a point outside the window, or in other buckets | Unknown |
//! | an [`Error`] of any kind | Unknown |
//! | a window in which no bucket is settled | Unknown |
//! | a check with neither a threshold nor an expectation, or with one that says nothing | Unknown |
//! | an expectation that can never be met, such as of a label that is not in `group_by` | Unknown |
//! | a report that contains no check | Unknown |
//!
//! Every series is judged, each makes a [`Finding`], and the worst decides: Critical beats Unknown, Unknown beats Warning,
//! and Warning beats Ok. So where something is certainly critical that is what is said, whatever else is unknown.
//!
//! With a [`Quantifier`] one series that crosses a threshold may not be enough. Its finding then says so, and does not count
//! more than the check. A series without a number to be trusted counts neither as crossing nor as not crossing.
//!
//! What a series adds up cannot be told apart any more: of several resources in one filter, one without data, or without a
//! right to see it, hides behind the others. Group by `resource.<type>.id`, and [expect](Check::expect_labels) each.
//!
//! # Which points count
//!
//! A bucket counts once it is settled: once it has ended and the client's [data
//! latency](crate::ClientBuilder::data_latency) has passed. Later ones are still filling up, and are left out. A gap between
//! points is no fault, since a bucket in which nothing happened has no point. But the newest point of [`Reduce::Last`] may
//! end at most two buckets before what could be known, so that a series that has stopped is noticed;
//! [`Check::max_age`] sets another bound. The other reductions take points of any age in the window where it is not set.
//! With [`Granularity::All`] there is one bucket, and its age is not known.
//!
//! All of it goes by the clock of this machine, which is compared with the `Date` of the service's responses.
//!
//! # A connector that failed
//!
//! Some metrics tell a state by a label: `connector_status` has a series for each connector and `metric.status`, with 1 where
//! the connector is in that state. The series of a state that no connector is in may be there with 0, or not at all. So that
//! nothing failed has to be asked in one check, and that everything runs in another; their reports make one:
//!
//! ```
//! use confluent_metrics::check::{Check, Missing, Reduce, Report, Threshold};
//! use confluent_metrics::{Client, Filter, Granularity, Interval, Query};
//!
//! # use confluent_metrics::Credentials;
//! # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
//! # let put = |connector, status, value| {
//! #     for minute in -15..15 {
//! #         let labels = [("resource.connector.id", connector), ("metric.status", status)];
//! #         emulator.put("io.confluent.kafka.connect/connector_status", &labels, emulator.now() + minute * 60, value);
//! #     }
//! # };
//! # put("lcc-1", "RUNNING", 1.0);
//! # put("lcc-2", "RUNNING", 1.0);
//! # let judge = || {
//! let connectors = ["lcc-1", "lcc-2"];
//! let status = |status: &str| {
//!     let metric = "io.confluent.kafka.connect/connector_status";
//!     Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
//!         .filter(Filter::one_of("resource.connector.id", connectors))
//!         .filter(Filter::eq("metric.status", status))
//!         .group_by(["resource.connector.id"])
//! };
//! let failed = Check::new(status("FAILED"))
//!     .named("failed connectors")
//!     .reduce(Reduce::Max)
//!     .critical(Threshold::above(0.0))
//!     .on_missing(Missing::Ok);
//! let running = Check::new(status("RUNNING"))
//!     .named("running connectors")
//!     .critical(Threshold::below(1.0))
//!     .expect_labels("resource.connector.id", connectors);
//! let report: Report = [failed.run(&client), running.run(&client)].into_iter().collect();
//! println!("{report}");
//! # report
//! # };
//! # use confluent_metrics::check::Status;
//! # assert_eq!(judge().status(), Status::Ok);
//! # put("lcc-2", "FAILED", 0.0);
//! # assert_eq!(judge().status(), Status::Ok);
//! # put("lcc-2", "FAILED", 1.0);
//! # assert_eq!(judge().status(), Status::Critical);
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! A connector of which nothing is said is unknown. So is one that no longer runs without having failed, as soon as its newest
//! point is too old. [`Client::attributes`] tells which states there were.
//!
//! # In a shell
//!
//! The command `metric_gate` is all of this as a command, with exit codes 0 to 3. In a clone of the repository:
//!
//! ```sh
//! cargo install --path examples/metric_gate
//! metric_gate io.confluent.kafka.server/consumer_lag_offsets --resource kafka:lkc-1 \
//!   --group-by metric.consumer_group_id --last 10m --critical '~:10000' --format junit --output lag.xml
//! ```
//!
//! A range says what is good: `'~:10000'` is anything up to 10000, and more is critical. See [`Threshold`] and `--help`.
//!
//! In a GitHub Actions workflow `--format github` annotates the run, and `--format markdown --output "$GITHUB_STEP_SUMMARY"`
//! fills the summary of the step.
//!
//! # In a build
//!
//! A `build.rs` with `confluent-metrics` among its `[build-dependencies]` refuses to build while a metric says no. The key
//! comes from the environment, and with the variables that `confluent-metrics-emulator` prints it works without a network:
//!
//! ```no_run
//! use confluent_metrics::check::{Check, Threshold};
//! use confluent_metrics::{Client, Error, Granularity, Interval, Query, Resource};
//!
//! fn main() -> Result<(), Error> {
//!     // A file that is never there: without it cargo would go by what it was told the last time.
//!     println!("cargo::rerun-if-changed=ask-again");
//!     let metric = "io.confluent.kafka.server/consumer_lag_offsets";
//!     let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
//!         .filter(Resource::kafka("lkc-1"))
//!         .group_by(["metric.consumer_group_id"]);
//!     let report = Check::new(query)
//!         .named("lag of the indexer")
//!         .critical(Threshold::above(10_000.0))
//!         .expect_labels("metric.consumer_group_id", ["indexer"])
//!         .run(&Client::from_env()?);
//!     eprintln!("{report}");
//!     println!("cargo::rustc-env=LAG={}", report.summary());
//!     std::process::exit(report.exit_code().into());
//! }
//! ```
//!
//! # In a test suite
//!
//! With `confluent-metrics` and `confluent-metrics-emulator` among the `[dev-dependencies]` a test gates on the service
//! itself, and another one makes sure of the gate:
//!
//! ```no_run
//! use confluent_metrics::check::{Check, Report, Status, Threshold};
//! use confluent_metrics::{Client, Credentials, Error, Granularity, Interval, Query, Resource};
//! use confluent_metrics_emulator::Emulator;
//!
//! const LAG: &str = "io.confluent.kafka.server/consumer_lag_offsets";
//!
//! fn lag(client: &Client) -> Report {
//!     let query = Query::new(LAG, Granularity::OneMinute, Interval::last_minutes(10))
//!         .filter(Resource::kafka("lkc-1"))
//!         .group_by(["metric.consumer_group_id"]);
//!     Check::new(query)
//!         .critical(Threshold::above(10_000.0))
//!         .expect_labels("metric.consumer_group_id", ["indexer"])
//!         .run(client)
//! }
//!
//! /// Asks whom the environment names: the service itself, or an emulator started by hand.
//! #[test]
//! fn nobody_is_behind() -> Result<(), Error> {
//!     let report = lag(&Client::from_env()?);
//!     assert_eq!(report.status(), Status::Ok, "{report}");
//!     Ok(())
//! }
//!
//! /// Needs no network: the gate itself is tested.
//! #[test]
//! fn the_gate_fires() -> Result<(), Error> {
//!     let emulator = Emulator::builder().demo(false).start();
//!     let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//!     let client = Client::builder(credentials)
//!         .base_url(emulator.url())
//!         .root_certificates_pem(emulator.ca_pem())
//!         .without_proxy()
//!         .build()?;
//!     let put = |value| {
//!         let labels = [("resource.kafka.id", "lkc-1"), ("metric.consumer_group_id", "indexer")];
//!         for minute in -15..15 {
//!             emulator.put(LAG, &labels, emulator.now() + minute * 60, value);
//!         }
//!     };
//!     assert_eq!(lag(&client).status(), Status::Unknown, "nobody says anything");
//!     put(9_000.0);
//!     assert_eq!(lag(&client).status(), Status::Ok);
//!     put(11_000.0);
//!     assert_eq!(lag(&client).status(), Status::Critical);
//!     Ok(())
//! }
//! ```

mod format;
mod quantifier;
mod reduce;
mod report;
mod threshold;
mod value;
mod window;

use std::collections::HashSet;
use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

pub use format::Format;
pub use quantifier::Quantifier;
pub use reduce::Reduce;
pub use report::{Finding, Report, Status};
pub use threshold::Threshold;

use crate::check::format::humanize::{self, parse_choice};
use crate::check::quantifier::Evaluation;
use crate::check::report::{Metadata, Subject};
use crate::check::threshold::Thresholds;
use crate::check::value::{Limits, Reduced, reduce_series, sparkline};
use crate::check::window::CheckWindow;
use crate::client::Client;
use crate::error::Error;
use crate::model::labels::Labels;
use crate::model::series::{Completeness, Point, QueryResult, Series};
use crate::request::query::Query;
use crate::time::call_context::{CallContext, DATA_LATENCY};
use crate::time::granularity::Granularity;
use crate::time::timestamp::Timestamp;
use crate::util::text::{count_noun, sanitize_line};

/// A question to the service, and what has to be true of the answer.
///
/// A plain value: making and changing one never fails. One that could not fail whatever the answer, and one that cannot be
/// judged, is [`Unknown`](Status::Unknown) when it is [run](Self::run), and nothing is sent.
///
/// ```
/// use confluent_metrics::check::{Check, Status, Threshold};
/// use confluent_metrics::{Granularity, Interval, Query, Resource};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
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
/// # if report.findings().iter().all(|finding| finding.labels().get("metric.consumer_group_id") != Some("nightly-export")) {
/// assert_eq!(report.status(), Status::Ok);
/// # }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a check does nothing before it is run"]
pub struct Check {
    query: Query,
    name: Option<String>,
    reduce: Reduce,
    thresholds: Thresholds,
    quantifier: Quantifier,
    limits: Limits,
    min_series: Option<usize>,
    expected_labels: Vec<(String, Vec<String>)>,
    on_missing: Missing,
}

/// What a check is where a number is missing, as opposed to one that cannot be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// Unknown: nobody knows.
    #[default]
    Unknown,
    /// Fine: of a metric that has points only while something happens.
    Ok,
    /// A warning.
    Warning,
    /// Critical.
    Critical,
}

impl Check {
    /// A check of every series that `query` gives. It needs a threshold or an expectation to judge them by.
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
        }
    }

    /// Sets what the check is called in a report. Default: the metric.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how the points of each series become one number. Default: the [last](Reduce::Last).
    pub fn reduce(mut self, reduce: Reduce) -> Self {
        self.reduce = reduce;
        self
    }

    /// Sets which numbers are a warning. Default: none.
    pub fn warning(mut self, threshold: Threshold) -> Self {
        self.thresholds.warning = Some(threshold);
        self
    }

    /// Sets which numbers are critical. Default: none.
    pub fn critical(mut self, threshold: Threshold) -> Self {
        self.thresholds.critical = Some(threshold);
        self
    }

    /// Sets how many series have to cross a threshold. Default: [any](Quantifier::Any) one.
    pub fn quantifier(mut self, quantifier: Quantifier) -> Self {
        self.quantifier = quantifier;
        self
    }

    /// Sets how old the newest point of a series may be. Default: two buckets with [`Reduce::Last`], else any age.
    ///
    /// The age runs from the end of the point's bucket to now less the client's data latency, or to the end of the query's
    /// last interval where that is earlier. With [`Granularity::All`] it is not known, and the check is unknown.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.limits.max_age = Some(age);
        self
    }

    /// Sets the share of the settled buckets in which a series needs data, from 0 to 1. A series with fewer is
    /// [unknown](Status::Unknown).
    ///
    /// Defaults to any share. Findings of other reductions than [`Reduce::Last`] tell it if not all buckets had data. With
    /// [`Granularity::All`] there is one bucket, and the check is unknown.
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Reduce, Status, Threshold};
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let day = Interval::between("2026-01-01T00:00:00Z".parse()?, "2026-01-02T00:00:00Z".parse()?);
    /// let query = Query::new("io.confluent.kafka.server/sent_bytes", Granularity::OneHour, day);
    /// let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    /// let check = Check::new(query).named("traffic").reduce(Reduce::Max).critical(Threshold::above(2000.0));
    /// let now = "2026-01-02T12:00:00Z".parse()?;
    /// assert_eq!(check.judge(&result, now).status(), Status::Ok);
    /// assert_eq!(
    ///     check.min_coverage(0.9).judge(&result, now).summary(),
    ///     "UNKNOWN: traffic: 1 of 24 buckets had data, fewer than the min_coverage of 0.9"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "completeness")]
    pub fn min_coverage(mut self, share: f64) -> Self {
        self.limits.min_coverage = Some(share);
        self
    }

    /// Expects at least so many series that have a number. Fewer are a finding: what [`on_missing`](Self::on_missing)
    /// says, but never fine. Without [`group_by`](Query::group_by) there is one series at most, and to
    /// expect more is refused.
    pub fn expect_at_least(mut self, series: usize) -> Self {
        self.min_series = Some(series);
        self
    }

    /// Expects a series with a number for each of these values of a label, such as each consumer group that must not vanish.
    /// A value that is missing is a finding: what [`on_missing`](Self::on_missing) says, but never fine. Called twice,
    /// both sets have to be there.
    ///
    /// The label has to be in the query's [`group_by`](Query::group_by), and the filter must not exclude a value: nothing is
    /// sent for a check that could never be met.
    pub fn expect_labels<V: Into<String>>(
        mut self,
        label: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.expected_labels
            .push((label.into(), values.into_iter().map(Into::into).collect()));
        self
    }

    /// Sets what the check is where a number is missing. Default: [unknown](Missing::Unknown).
    ///
    /// It never excuses what is stale, not whole, an error, or an expectation that is not met.
    pub fn on_missing(mut self, missing: Missing) -> Self {
        self.on_missing = missing;
        self
    }

    /// What the check is called in a report.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.query.metric)
    }

    /// Asks the service, and judges the answer.
    ///
    /// There is no error: whatever goes wrong makes the report [`Unknown`](Status::Unknown), and is told in it. The query's
    /// intervals and every age go by one reading of the clock.
    #[inline]
    pub fn run(&self, client: &Client) -> Report {
        let clock = client.call_context();
        if let Some(faults) = self.problems() {
            return self.unknown(None, faults);
        }
        match client.query_with(&self.query, &clock) {
            Ok(result) => self.evaluate(&result, &clock),
            Err(error) => self.failed(&error),
        }
    }

    /// The report of a check that could not be run, such as for want of a client: [`Unknown`](Status::Unknown).
    pub fn failed(&self, error: &Error) -> Report {
        self.unknown(None, error_chain(error))
    }

    /// Judges an answer that is there already, as if it had come at `now`: to replay what was kept, and for tests.
    ///
    /// `now` is when the query was made: relative intervals are resolved by it, to the second. The data latency is taken to
    /// be 3 minutes, which is also a client's unless set.
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Threshold};
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let query = Query::new("io.confluent.kafka.server/sent_bytes", Granularity::OneHour, Interval::last_hours(1));
    /// let answer = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, answer)?;
    /// let check = Check::new(query).named("traffic").critical(Threshold::below(2000.0));
    /// let report = check.judge(&result, "2026-01-01T11:10:00Z".parse()?);
    /// assert_eq!(
    ///     report.summary(),
    ///     "CRITICAL: traffic: the last value, 1574 at 2026-01-01T10:00:00Z, is below 2000 (critical)"
    /// );
    /// let later = check.judge(&result, "2026-01-01T12:10:00Z".parse()?);
    /// assert_eq!(
    ///     later.summary(),
    ///     "UNKNOWN: traffic: the answer is not one to this query: it has a point at 2026-01-01T10:00:00Z, \
    ///      outside 2026-01-01T11:00:00Z/2026-01-01T12:00:00Z"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[inline]
    pub fn judge(&self, result: &QueryResult, now: Timestamp) -> Report {
        let clock = CallContext {
            now: now.floor_to_ms(1000),
            data_latency: DATA_LATENCY,
            retention: Duration::MAX,
        };
        match self.problems() {
            Some(faults) => self.unknown(None, faults),
            None => self.evaluate(result, &clock),
        }
    }

    #[inline]
    fn evaluate(&self, result: &QueryResult, clock: &CallContext) -> Report {
        let window = match CheckWindow::new(&self.query, clock) {
            Ok(window) => window,
            Err(error) => return self.failed(&error),
        };
        if let Some(why) = empty_window_reason(&window).or_else(|| mismatch_reason(result, &window))
        {
            return self.unknown(Some(&window), why);
        }
        let answers: Vec<_> = result
            .series()
            .iter()
            .map(|series| {
                (
                    series,
                    reduce_series(series, &window, self.reduce, self.limits),
                )
            })
            .collect();
        let about = self.info(Some(&window));
        let incomplete = incomplete_reason(result.completeness(), &window);
        let mut findings = self.judge_result(&about, incomplete, &answers);
        let values = answers
            .iter()
            .filter_map(|(_, number)| number.point())
            .map(|point| point.value);
        let in_doubt = findings
            .iter()
            .any(|finding| finding.status == Status::Unknown)
            || answers.iter().any(|(_, number)| self.is_uncertain(number));
        let crossing = Evaluation::of(self.thresholds, self.quantifier, values, in_doubt);
        findings.extend(answers.iter().map(|(series, number)| Finding {
            subject: Subject::Series,
            labels: series.labels().clone(),
            sparkline: sparkline(series, &window),
            ..self.judge_series(&about, number, &crossing)
        }));
        Report::new(findings)
    }

    #[inline]
    fn judge_series(
        &self,
        about: &Arc<Metadata>,
        number: &Reduced,
        crossing: &Evaluation,
    ) -> Finding {
        let (point, coverage) = match number {
            Reduced::Value(point, coverage) => (*point, *coverage),
            Reduced::Missing(why) => {
                let (status, reason) = self.missing(why);
                return Finding::of_check(about, status, reason);
            }
            Reduced::Unusable(why) => {
                return Finding::of_check(about, Status::Unknown, why.clone());
            }
        };
        let at = match self.reduce {
            Reduce::Last | Reduce::Min | Reduce::Max => "at",
            _ => "up to the bucket at",
        };
        let value = format!(
            "{} {at} {}",
            humanize::format_value(point.value),
            point.timestamp
        );
        let (status, mut verdict) = crossing.judge(point.value);
        if self.reduce != Reduce::Last && !coverage.is_full() {
            verdict = format!("{verdict}; {coverage}");
        }
        let reason = format!("{}, {value}, {verdict}", self.reduce.description());
        let (value, timestamp) = (Some(point.value), Some(point.timestamp));
        Finding {
            value,
            timestamp,
            verdict,
            ..Finding::of_check(about, status, reason)
        }
    }

    /// Whether a series could have any number.
    fn is_uncertain(&self, number: &Reduced) -> bool {
        match number {
            Reduced::Value(..) => false,
            Reduced::Missing(_) => self.on_missing == Missing::Unknown,
            Reduced::Unusable(_) => true,
        }
    }

    /// What is to be said of the answer apart from the numbers of its series.
    #[inline]
    fn judge_result(
        &self,
        about: &Arc<Metadata>,
        incomplete: Option<String>,
        answers: &[(&Series, Reduced)],
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |(status, reason)| findings.push(Finding::of_check(about, status, reason));
        if let Some(why) = incomplete {
            add((Status::Unknown, why));
        }
        if answers.is_empty() {
            add(self.missing(
                "no series came: nothing matches the filter, or nothing was measured in the window",
            ));
        }
        let there = answers
            .iter()
            .filter(|(_, number)| !matches!(number, Reduced::Missing(_)))
            .count();
        if let Some(least) = self.min_series.filter(|least| there < *least) {
            add(self.unmet_expectation(&format!(
                "at least {least} series are expected, and {} a number",
                count_noun(there, "has", "have")
            )));
        }
        let trusted = answers
            .iter()
            .filter(|(_, number)| number.point().is_some())
            .count();
        if let Quantifier::AtLeast(needed) = self.quantifier {
            if !self.thresholds.is_empty() && trusted < needed && !answers.is_empty() {
                add(self.missing(&format!(
                    "at least {needed} series have to cross a threshold, and only {} a number to be judged",
                    count_noun(trusted, "has", "have")
                )));
            }
        }
        for (label, value) in self.missing_expected(answers) {
            let (status, reason) =
                self.unmet_expectation("it is expected, and no series with a number has it");
            findings.push(Finding {
                subject: Subject::Series,
                labels: Labels::new(vec![(label, value)]).unwrap_or_default(),
                ..Finding::of_check(about, status, reason)
            });
        }
        findings
    }

    /// The expected values of labels that no series has.
    #[inline]
    fn missing_expected<'a>(&'a self, answers: &[(&Series, Reduced)]) -> Vec<(&'a str, &'a str)> {
        let mut vanished = Vec::new();
        for (label, values) in &self.expected_labels {
            let there: HashSet<_> = answers
                .iter()
                .filter(|(_, number)| !matches!(number, Reduced::Missing(_)))
                .filter_map(|(series, _)| series.labels().get(label))
                .collect();
            let missing = values
                .iter()
                .filter(|value| !there.contains(value.as_str()));
            vanished.extend(missing.map(|value| (label.as_str(), value.as_str())));
        }
        vanished.sort_unstable();
        vanished.dedup();
        vanished
    }

    /// What a number that is missing makes of the check.
    fn missing(&self, why: &str) -> (Status, String) {
        match self.on_missing.status() {
            Status::Unknown => (Status::Unknown, why.to_owned()),
            status => (status, format!("{why}, which counts as {status} here")),
        }
    }

    /// What an expectation that is not met makes of it: it was asked for by name, so nothing excuses it.
    fn unmet_expectation(&self, why: &str) -> (Status, String) {
        match self.on_missing {
            Missing::Ok => (Status::Unknown, why.to_owned()),
            _ => self.missing(why),
        }
    }

    /// Why the check says nothing whatever the answer: all of it at once.
    #[inline]
    fn problems(&self) -> Option<String> {
        let mut faults = Vec::new();
        if self.thresholds.is_empty()
            && self.min_series.is_none()
            && self.expected_labels.is_empty()
        {
            faults.push(
                "it has no threshold and expects nothing, so that it could never fail".to_owned(),
            );
        }
        faults.extend(self.thresholds.faults());
        if self.quantifier == Quantifier::AtLeast(0) {
            faults.push("a quantifier of at least 0 series is always met".into());
        }
        if self.min_series == Some(0) {
            faults.push("expect_at_least(0) expects nothing".into());
        }
        for (label, values) in &self.expected_labels {
            if label.is_empty() || values.is_empty() {
                faults.push(format!(
                    "expect_labels({label:?}, {values:?}) expects nothing"
                ));
            }
        }
        faults.extend(self.unmeetable());
        if let Some(share) = self.limits.min_coverage {
            if !(share > 0.0 && share <= 1.0) {
                faults.push(format!(
                    "invalid min_coverage {share}: expected a share above 0 and at most 1"
                ));
            } else if self.query.granularity == Granularity::All {
                faults.push(
                    "min_coverage would never fire with the granularity ALL, which is one bucket"
                        .into(),
                );
            }
        }
        if self.limits.max_age.is_some() && self.query.granularity == Granularity::All {
            faults.push(
                "with the granularity ALL nothing is known of ages, and max_age would never fire"
                    .into(),
            );
        }
        (!faults.is_empty()).then(|| format!("the check cannot be judged: {}", faults.join("; ")))
    }

    /// Returns the expectations that no result can meet, and the quantifier that none can reach.
    #[inline]
    fn unmeetable(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (label, values) in self
            .expected_labels
            .iter()
            .filter(|(label, _)| !label.is_empty())
        {
            let shown = sanitize_line(label, 100);
            if !self.query.group_by.contains(label) {
                faults.push(format!(
                    "cannot expect values of \"{shown}\", which is not in group_by"
                ));
                continue;
            }
            let excluded = |value: &&String| {
                self.query
                    .filter
                    .as_ref()
                    .is_some_and(|filter| filter.excludes(label, value))
            };
            if let Some(value) = values.iter().find(excluded) {
                let value = sanitize_line(value, 100);
                faults.push(format!(
                    "cannot expect {shown}=\"{value}\", which the filter excludes"
                ));
            }
        }
        if self.query.group_by.is_empty() {
            let why = "a query without group_by has one series";
            if let Some(least) = self.min_series.filter(|least| *least > 1) {
                faults.push(format!("cannot expect {least} series: {why}"));
            }
            if let Quantifier::AtLeast(needed @ 2..) = self.quantifier {
                faults.push(format!(
                    "{needed} series can never cross a threshold: {why}"
                ));
            }
        }
        faults
    }

    fn unknown(&self, window: Option<&CheckWindow>, reason: String) -> Report {
        Report::new(vec![Finding::of_check(
            &self.info(window),
            Status::Unknown,
            reason,
        )])
    }

    #[inline]
    fn info(&self, window: Option<&CheckWindow>) -> Arc<Metadata> {
        Arc::new(Metadata {
            name: self.name().to_owned(),
            metric: self.query.metric.clone(),
            filter: self.query.filter.clone(),
            reduce: self.reduce,
            window: window.and_then(CheckWindow::bounds),
            thresholds: self.thresholds,
        })
    }
}

impl Missing {
    /// All variants, in the order of this documentation.
    pub const VARIANTS: &'static [Self] = &[Self::Unknown, Self::Ok, Self::Warning, Self::Critical];

    /// The name on a command line: `unknown`, `ok`, `warning` or `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    fn status(self) -> Status {
        match self {
            Self::Unknown => Status::Unknown,
            Self::Ok => Status::Ok,
            Self::Warning => Status::Warning,
            Self::Critical => Status::Critical,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Missing {
    type Err = Error;

    /// Reads `unknown`, `ok`, `warning` or `critical`.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse_choice(
            "status of what is missing",
            Self::VARIANTS,
            Self::as_str,
            text,
        )
    }
}

/// Why no answer could tell anything about the window, if so.
fn empty_window_reason(window: &CheckWindow) -> Option<String> {
    let Some((start, end)) = window.bounds() else {
        return Some(format!(
            "nothing can be judged: no interval holds a bucket that has settled by {}",
            window.settled_until()
        ));
    };
    (window.buckets() == 0).then(|| {
        format!(
            "nothing in {start}/{end} can be judged: no bucket starts in it and is settled, which takes an end by {}",
            window.settled_until()
        )
    })
}

/// Why the answer is not one to the query, if so.
#[inline]
fn mismatch_reason(result: &QueryResult, window: &CheckWindow) -> Option<String> {
    // A null is where a point would be.
    let nulls = || result.series().iter().filter_map(Series::newest_null);
    let null = |timestamp| Point {
        timestamp,
        value: 0.0,
    };
    let points = || {
        result
            .series()
            .iter()
            .flat_map(Series::points)
            .copied()
            .chain(nulls().map(null))
    };
    let why = if let Some(point) = points().find(|point| window.rejects(*point)) {
        let (start, end) = window.bounds().unwrap_or((Timestamp::MIN, Timestamp::MIN));
        format!(
            "it has a point at {}, outside {start}/{end}",
            point.timestamp
        )
    } else if let Some(point) = points().find(|point| !window.starts_a_bucket_at(*point)) {
        format!(
            "it has a point at {}, where no bucket starts",
            point.timestamp
        )
    } else if window.is_one_bucket()
        && result
            .series()
            .iter()
            .any(|series| series.points().len() > 1)
    {
        "a series has several points, and the granularity ALL is one bucket".to_owned()
    } else {
        return None;
    };
    Some(format!("the answer is not one to this query: {why}"))
}

fn incomplete_reason(completeness: &Completeness, window: &CheckWindow) -> Option<String> {
    match completeness {
        Completeness::Complete => window
            .truncated()
            .map(|why| format!("the answer is not whole: {why}")),
        Completeness::Limited { limit } => Some(format!(
            "the answer is not whole: it reached the query's own limit of {limit} groups, and what nobody saw cannot pass"
        )),
        Completeness::Truncated { missing } => Some(format!("the answer is not whole: {missing}")),
    }
}

/// An error on one line: its sentence, its causes and what to do about it.
#[inline]
fn error_chain(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(&format!(
            "; cause: {}",
            sanitize_line(&error.to_string(), 400)
        ));
        cause = error.source();
    }
    if let Some(hint) = error.hint() {
        words.push_str(&format!("; hint: {hint}"));
    }
    words
}
