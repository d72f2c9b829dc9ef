use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::check::reduce::Reduce;
use crate::check::threshold::Thresholds;
use crate::model::filter::Filter;
use crate::model::labels::Labels;
use crate::time::interval::TimeRange;
use crate::time::timestamp::Timestamp;
use crate::util::text::{count_noun, sanitize_line};

/// How a check came out, in the order of what beats what: [`Critical`](Self::Critical) beats [`Unknown`](Self::Unknown),
/// which beats [`Warning`](Self::Warning).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Everything that had to be judged could be, and nothing is bad. Exit code 0.
    Ok,
    /// Something crosses the threshold for a warning. Exit code 1.
    Warning,
    /// Something that had to be judged could not be. Exit code 3.
    Unknown,
    /// Something crosses the critical threshold. Exit code 2.
    Critical,
}

/// What one check says of one series, or of what it lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub(super) about: Arc<Metadata>,
    pub(super) subject: Subject,
    pub(super) labels: Labels,
    pub(super) value: Option<f64>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) status: Status,
    pub(super) reason: String,
    /// The reason without the number, for where that stands beside it.
    pub(super) verdict: String,
    /// The points of the series as a line of bars.
    pub(super) sparkline: String,
}

/// What the findings of one check have in common.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) metric: String,
    /// Which rows count, such as those of one cluster.
    pub(super) filter: Option<Filter>,
    pub(super) reduce: Reduce,
    /// Unknown where the query could not be resolved.
    pub(super) window: Option<TimeRange>,
    pub(super) thresholds: Thresholds,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Check,
    /// A series, or one that had to be there.
    Series,
}

/// What one check found, or several.
///
/// Several reports become one by [`Extend`] and [`FromIterator`]; of none the status is [`Unknown`](Status::Unknown).
///
/// ```
/// use confluent_metrics::check::{Report, Status};
///
/// let report: Report = Vec::new().into_iter().collect();
/// assert_eq!((report.status(), report.exit_code()), (Status::Unknown, 3));
/// assert_eq!(report.summary(), "UNKNOWN: checks: none was made, so there is nothing to go by");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "a report that nobody looks at is a gate that always passes"]
pub struct Report {
    findings: Vec<Finding>,
}

impl Status {
    /// 0 to 3, as monitoring plugins exit: OK, warning, critical, unknown.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The name in a report: `OK`, `WARNING`, `CRITICAL`, `UNKNOWN`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Unknown => "UNKNOWN",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Finding {
    /// A finding about the check as a whole.
    pub(super) fn of_check(about: &Arc<Metadata>, status: Status, reason: String) -> Self {
        Self {
            about: Arc::clone(about),
            subject: Subject::Check,
            labels: Labels::default(),
            value: None,
            timestamp: None,
            status,
            verdict: reason.clone(),
            reason,
            sparkline: String::new(),
        }
    }

    /// The name of the check.
    pub fn check(&self) -> &str {
        &self.about.name
    }

    /// The labels of the series; of one that had to be there and is not, the label that was looked for. Empty where the
    /// finding is about the check as a whole, or the query has no `group_by`.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The number that was judged; `None` where there is none to be trusted.
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// The start of the bucket that the number is from: of the sum, the mean and the rate the newest one.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// What it makes of the check: the worst finding is the status of the report.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Why, in words, on one line.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Which check and series it is about, on one line.
    pub(super) fn subject(&self) -> String {
        let name = sanitize_line(&self.about.name, usize::MAX);
        if self.labels.is_empty() {
            name
        } else {
            format!("{name} {}", self.labels)
        }
    }
}

impl Report {
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| Reverse(finding.status));
        Self { findings }
    }

    /// The worst of all findings; without any finding [`Unknown`](Status::Unknown).
    pub fn status(&self) -> Status {
        self.findings
            .iter()
            .map(Finding::status)
            .max()
            .unwrap_or(Status::Unknown)
    }

    /// The status as the exit code of a process: 0 to 3.
    pub fn exit_code(&self) -> u8 {
        self.status().exit_code()
    }

    /// The status and what is worst, on one line.
    #[inline]
    pub fn summary(&self) -> String {
        let (status, shown) = (self.status(), self.findings_or_placeholder());
        let (series, checks) = (shown.len(), self.checks(&shown).len());
        match shown.iter().find(|finding| finding.status == status) {
            Some(worst) if status != Status::Ok || series == 1 => {
                format!(
                    "{status}: {}: {}{}",
                    worst.subject(),
                    worst.reason,
                    self.others(worst)
                )
            }
            Some(first) if checks == 1 => {
                let name = sanitize_line(first.check(), usize::MAX);
                format!(
                    "{status}: {name}: all {series} findings are fine{}",
                    self.missing_note()
                )
            }
            _ => {
                format!(
                    "{status}: all {series} findings of {checks} checks are fine{}",
                    self.missing_note()
                )
            }
        }
    }

    /// What was found, of each check the worst first. Of each series that the service gave there is a finding.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings; where there are none, one that says so, since nothing at all would look like nothing bad.
    pub(super) fn findings_or_placeholder(&self) -> Cow<'_, [Finding]> {
        if self.findings.is_empty() {
            return Cow::Owned(vec![empty_report_finding()]);
        }
        Cow::Borrowed(&self.findings)
    }

    /// The findings of each check.
    pub(super) fn checks<'a>(&self, shown: &'a [Finding]) -> Vec<&'a [Finding]> {
        shown
            .chunk_by(|a, b| Arc::ptr_eq(&a.about, &b.about))
            .collect()
    }

    /// What else is bad besides the worst finding.
    #[inline]
    fn others(&self, worst: &Finding) -> String {
        let mut counts = Vec::new();
        for status in [Status::Critical, Status::Unknown, Status::Warning] {
            let count = self
                .findings
                .iter()
                .filter(|finding| finding.status == status)
                .count();
            let count = count.saturating_sub(usize::from(status == worst.status));
            if count > 0 {
                counts.push(format!("{count} {status}"));
            }
        }
        let of = self.findings.len();
        if counts.is_empty() {
            String::new()
        } else {
            format!("; besides {} of {of}", counts.join(", "))
        }
    }

    /// How many findings are fine for want of a number, which must not look as if there had been one.
    #[inline]
    fn missing_note(&self) -> String {
        match self
            .findings
            .iter()
            .filter(|finding| finding.value.is_none())
            .count()
        {
            0 => String::new(),
            count => {
                format!(
                    "; {}",
                    count_noun(
                        count,
                        "has no number and counts as OK",
                        "have no number and count as OK"
                    )
                )
            }
        }
    }
}

impl Extend<Self> for Report {
    /// Takes in what other reports found. One of no check stays unknown also among others.
    fn extend<I: IntoIterator<Item = Self>>(&mut self, reports: I) {
        for report in reports {
            match report.findings {
                findings if findings.is_empty() => self.findings.push(empty_report_finding()),
                findings => self.findings.extend(findings),
            }
        }
    }
}

impl FromIterator<Self> for Report {
    fn from_iter<I: IntoIterator<Item = Self>>(reports: I) -> Self {
        let mut all = Self::default();
        all.extend(reports);
        all
    }
}

#[inline]
fn empty_report_finding() -> Finding {
    let about = Arc::new(Metadata {
        name: "checks".into(),
        ..Metadata::default()
    });
    Finding::of_check(
        &about,
        Status::Unknown,
        "none was made, so there is nothing to go by".into(),
    )
}
