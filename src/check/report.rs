//! Reports, and the findings that they consist of.
//!
//! ```text
//! Report            the worst status of all findings
//!   Finding         one series, or the check itself
//!     CheckInfo     the data that findings of one check share
//! ```

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use crate::check::attempts::Attempts;
use crate::check::check_info::CheckInfo;
use crate::check::datapoints::DatapointCounts;
use crate::check::status::Status;
use crate::check::value::Coverage;
use crate::error::ErrorKind;
use crate::model::labels::Labels;
use crate::time::timestamp::Timestamp;
use crate::util::text::sanitize_line;

/// The result of a check for one series, or for the check itself.
///
/// A finding without [labels](Self::labels) is about the check itself: an error, an incomplete
/// result, or an expectation of a number of series.
///
/// ```
/// use confluent_metrics::check::{Check, Status, Threshold};
/// use confluent_metrics::{Granularity, Query, QueryResult};
///
/// let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
/// let query = Query::new(
///     "io.confluent.kafka.server/sent_bytes",
///     Granularity::OneHour,
///     hour,
/// );
/// let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}"#;
/// let result = QueryResult::from_json(&query, body)?;
/// let report = Check::new(query)
///     .critical(Threshold::above(1000.0))
///     .judge(&result, "2026-01-01T11:10:00Z".parse()?);
///
/// let finding = &report.findings()[0];
/// assert_eq!(finding.status(), Status::Critical);
/// assert!(finding.labels().is_empty());
/// assert_eq!(finding.value(), Some(1574.0));
/// assert_eq!(finding.timestamp(), Some("2026-01-01T10:00:00Z".parse()?));
/// assert_eq!((finding.baseline(), finding.change()), (None, None));
/// assert_eq!(
///     finding.reason(),
///     "the last value, 1574 at 2026-01-01T10:00:00Z, is above 1000 (critical)"
/// );
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The check. Findings of one check share the allocation.
    pub(super) info: Arc<CheckInfo>,
    /// The subject: a series or the check.
    pub(super) subject: Subject,
    /// The labels of the series. A check has none.
    pub(super) labels: Labels,
    /// The reduced value, if there is one.
    pub(super) value: Option<f64>,
    /// The time of the value, if there is one.
    pub(super) timestamp: Option<Timestamp>,
    /// The verdict on the subject.
    pub(super) status: Status,
    /// The sentence that explains the status.
    pub(super) reason: String,
    /// The kind of the error that the reason is about.
    pub(super) error: Option<ErrorKind>,
    /// The end of the reason, for tables that show the value in a column.
    pub(super) verdict: String,
    /// The points as a line of bars, or empty.
    pub(super) sparkline: String,
    /// The numbers that led to the value, for checks that compare.
    pub(super) details: Details,
}

/// The numbers behind a finding, as far as the check has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Details {
    /// The dividend and the divisor.
    pub(super) operands: Option<(f64, f64)>,
    /// The value of the earlier window.
    pub(super) baseline: Option<f64>,
    /// The start of the bucket of the baseline.
    pub(super) baseline_timestamp: Option<Timestamp>,
    /// The change that is judged.
    pub(super) change: Option<f64>,
    /// The buckets with data.
    pub(super) coverage: Option<Coverage>,
    /// The buckets that are judged one by one.
    pub(super) datapoints: Option<DatapointCounts>,
    /// The points of the earlier window as a line of bars, or empty.
    pub(super) baseline_sparkline: String,
}

/// The subject of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Check,
    /// A series of the result, or an expected one.
    Series,
}

impl Finding {
    /// Creates a finding about the check itself.
    pub(super) fn of_check(info: &Arc<CheckInfo>, status: Status, reason: &str) -> Self {
        // An error of the caller and a stored result may have lines.
        let reason = sanitize_line(reason, usize::MAX);
        Self {
            info: Arc::clone(info),
            subject: Subject::Check,
            labels: Labels::default(),
            value: None,
            timestamp: None,
            status,
            verdict: reason.clone(),
            reason,
            error: None,
            sparkline: String::new(),
            details: Details::default(),
        }
    }

    /// Returns the name of the check.
    pub fn check(&self) -> &str {
        &self.info.name
    }

    /// Returns the labels of the series.
    ///
    /// For an expected label value that is missing, this is that label alone. Empty if the finding
    /// is about the check itself, or if the query has no [`group_by`](crate::Query::group_by).
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Returns the value of the series, or `None` if there is none.
    ///
    /// It is the reduced value, divided with [`divide_by`](crate::check::Check::divide_by). With
    /// [`datapoints`](crate::check::Check::datapoints) it is the latest value of the buckets. The
    /// thresholds judge it, or its [`change`](Self::change).
    pub const fn value(&self) -> Option<f64> {
        self.value
    }

    /// Returns the value of the earlier window, with
    /// [`compare_to`](crate::check::Check::compare_to).
    pub const fn baseline(&self) -> Option<f64> {
        self.details.baseline
    }

    /// Returns the change from the baseline to the value, with
    /// [`compare_to`](crate::check::Check::compare_to).
    pub const fn change(&self) -> Option<f64> {
        self.details.change
    }

    /// Returns the start of the bucket of the value.
    ///
    /// This is the last bucket if the value is a mean, a sum or a rate.
    pub const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// Returns the status that this finding gives the report, in which the worst one wins.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Returns the reason for the status, as one line.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the kind of the error that the finding reports, or `None` if it is about data.
    ///
    /// A check that is refused, because it can never fail or never be OK, is
    /// [`InvalidInput`](ErrorKind::InvalidInput).
    ///
    /// # Example: fail only if the pipeline is configured wrongly
    ///
    /// ```
    /// use confluent_metrics::ErrorKind;
    /// use confluent_metrics::check::Report;
    ///
    /// fn is_misconfigured(report: &Report) -> bool {
    ///     report.findings().iter().any(|finding| {
    ///         matches!(
    ///             finding.error_kind(),
    ///             // A wrong key, or a mistyped metric or label.
    ///             Some(ErrorKind::Unauthorized | ErrorKind::Rejected | ErrorKind::InvalidInput)
    ///         )
    ///     })
    /// }
    /// # use confluent_metrics::check::Check;
    /// # use confluent_metrics::{Granularity, Interval, Query, Timestamp, QueryResult};
    /// # let hour = Interval::last_hours(1);
    /// # let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// # let result = QueryResult::from_json(&query, br#"{"data":[]}"#)?;
    /// # let check = Check::new(query);
    /// # assert!(is_misconfigured(&check.judge(&result, Timestamp::now())));
    /// # let check = check.expect_at_least(1);
    /// # assert!(!is_misconfigured(&check.judge(&result, Timestamp::now())));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "kind")]
    pub const fn error_kind(&self) -> Option<ErrorKind> {
        self.error
    }

    /// Returns the number that the thresholds judge, or `None` if there is none.
    pub(super) fn judged(&self) -> Option<f64> {
        if self.info.comparison.is_some() {
            self.details.change
        } else {
            self.value
        }
    }

    /// Returns the name of the check and the labels, as one line.
    pub(super) fn subject(&self) -> String {
        let name = sanitize_line(&self.info.name, usize::MAX);
        if self.labels.is_empty() {
            name
        } else {
            format!("{name} {}", self.labels)
        }
    }
}

/// The findings of one or several checks.
///
/// [`Extend`] and [`FromIterator`] merge reports. A report without any check is
/// [`Unknown`](Status::Unknown).
///
/// # Example: an empty report does not pass
///
/// ```
/// use confluent_metrics::check::{Report, Status};
///
/// let report: Report = Vec::new().into_iter().collect();
/// assert_eq!(report.status(), Status::Unknown);
/// assert_eq!(report.summary(), "UNKNOWN: checks: no checks were run");
/// ```
///
/// # Example: exit with the status
///
/// ```no_run
/// use confluent_metrics::Client;
/// use confluent_metrics::check::{Check, Report};
///
/// fn run(checks: &[Check], client: &Client) -> ! {
///     let report: Report = checks.iter().map(|check| check.run(client)).collect();
///     println!("{report}");
///     std::process::exit(report.exit_code().into())
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a check has no effect unless its report is used"]
pub struct Report {
    /// The findings, the worst first within each check.
    pub(super) findings: Vec<Finding>,
}

impl Report {
    /// Creates the report of one check.
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        // The sort is stable: findings of the same status keep the order of the result.
        findings.sort_by_key(|finding| Reverse(finding.status));
        Self { findings }
    }

    /// Adds the attempts of a wait, and a finding about the wait itself if it did not succeed.
    ///
    /// That finding has the reason, and the kind of the error that ended the wait.
    pub(super) fn after_wait(
        mut self,
        attempts: Attempts,
        ending: Option<(String, Option<ErrorKind>)>,
    ) -> Self {
        // The findings of a check share one info, by whose address formats group them.
        let mut info = CheckInfo::default();
        if let Some(finding) = self.findings.first() {
            info = (*finding.info).clone();
        }
        info.attempts = Some(attempts);
        let info = Arc::new(info);
        for finding in &mut self.findings {
            finding.info = Arc::clone(&info);
        }
        if let Some((reason, error)) = ending {
            self.findings.push(Finding {
                error,
                ..Finding::of_check(&info, Status::Unknown, &reason)
            });
        }
        Self::new(self.findings)
    }

    /// Returns the worst status of all findings, or [`Unknown`](Status::Unknown) without findings.
    pub fn status(&self) -> Status {
        let worst = self.findings.iter().map(Finding::status).max();
        // No findings must never look like success.
        worst.unwrap_or(Status::Unknown)
    }

    /// Returns the exit code of the [`status`](Self::status): 0 to 3.
    pub fn exit_code(&self) -> u8 {
        self.status().exit_code()
    }

    /// Returns the status and the worst finding, as one line.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Threshold};
    /// # use confluent_metrics::{Granularity, Query, QueryResult};
    /// # let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// # let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// # let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}"#;
    /// # let result = QueryResult::from_json(&query, body)?;
    /// # let check = Check::new(query).named("traffic").critical(Threshold::above(1000.0));
    /// # let report = check.judge(&result, "2026-01-01T11:10:00Z".parse()?);
    /// assert_eq!(
    ///     report.summary(),
    ///     "CRITICAL: traffic: the last value, 1574 at 2026-01-01T10:00:00Z, \
    ///      is above 1000 (critical)"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn summary(&self) -> String {
        let status = self.status();
        let findings = self.findings_or_placeholder();
        let count = findings.len();
        let checks = checks(&findings).count();
        match findings.iter().find(|finding| finding.status == status) {
            Some(worst) if status != Status::Ok || count == 1 => {
                let others = self.others(worst);
                let attempts = worst.info.attempts_note();
                let subject = worst.subject();
                format!("{status}: {subject}: {}{others}{attempts}", worst.reason)
            }
            Some(first) if checks == 1 => {
                let name = sanitize_line(first.check(), usize::MAX);
                let note = self.missing_note();
                let attempts = first.info.attempts_note();
                format!("{status}: {name}: {count} findings OK{note}{attempts}")
            }
            _ => {
                let note = self.missing_note();
                format!("{status}: {count} findings of {checks} checks OK{note}")
            }
        }
    }

    /// Returns the findings, check by check, the worst of each check first.
    ///
    /// There is one for every series of the result, and one for every expectation that is not met.
    ///
    /// ```
    /// use confluent_metrics::check::{Report, Status};
    ///
    /// fn failed(report: &Report) -> usize {
    ///     report.findings().iter().filter(|finding| finding.status() != Status::Ok).count()
    /// }
    /// ```
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the findings, or one that says that there are none: an empty list would look fine.
    pub(super) fn findings_or_placeholder(&self) -> Cow<'_, [Finding]> {
        if self.findings.is_empty() {
            Cow::Owned(vec![empty_report_finding()])
        } else {
            Cow::Borrowed(&self.findings)
        }
    }

    /// Returns the number of findings of each bad status, not counting the worst finding.
    fn others(&self, worst: &Finding) -> String {
        let mut counts = Vec::new();
        for status in [Status::Critical, Status::Unknown, Status::Warning] {
            let all = self
                .findings
                .iter()
                .filter(|finding| finding.status == status);
            let count = all
                .count()
                .saturating_sub(usize::from(status == worst.status));
            if count > 0 {
                counts.push(format!("{count} {status}"));
            }
        }
        if counts.is_empty() {
            return String::new();
        }
        let total = self.findings.len();
        format!("; also {} of {total} findings", counts.join(", "))
    }

    /// Returns the number of findings that are OK without a value, so that nobody is misled.
    fn missing_note(&self) -> String {
        let missing = self
            .findings
            .iter()
            .filter(|finding| finding.judged().is_none());
        match missing.count() {
            0 => String::new(),
            count => format!("; {count} without data, counted as OK"),
        }
    }
}

impl Extend<Self> for Report {
    /// Appends the findings of other reports. A report without checks adds an unknown finding.
    fn extend<I: IntoIterator<Item = Self>>(&mut self, reports: I) {
        for report in reports {
            self.findings
                .extend(report.findings_or_placeholder().into_owned());
        }
    }
}

impl FromIterator<Self> for Report {
    fn from_iter<I: IntoIterator<Item = Self>>(reports: I) -> Self {
        let mut merged = Self::default();
        merged.extend(reports);
        merged
    }
}

/// Splits findings into those of each check.
pub(super) fn checks(findings: &[Finding]) -> impl Iterator<Item = &[Finding]> {
    // Not by name: two checks of a report may have the same one.
    findings.chunk_by(|a, b| Arc::ptr_eq(&a.info, &b.info))
}

/// Returns the finding that formats print for a report without findings.
fn empty_report_finding() -> Finding {
    let mut info = CheckInfo::default();
    info.name.push_str("checks");
    Finding::of_check(&Arc::new(info), Status::Unknown, "no checks were run")
}
