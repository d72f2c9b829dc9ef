//! Evaluates the result of a query and creates the report.

use std::collections::{BTreeSet, HashSet};
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use crate::check::check::{Check, Missing};
use crate::check::format::humanize::format_value;
use crate::check::quantifier::{Evaluation, Quantifier};
use crate::check::reduce::Reduce;
use crate::check::report::{CheckInfo, Finding, Report, Status, Subject};
use crate::check::sparkline::sparkline;
use crate::check::value::{Reduced, reduce_series};
use crate::check::window::CheckWindow;
use crate::client::Client;
use crate::error::Error;
use crate::model::labels::Labels;
use crate::model::query_result::{Completeness, QueryResult};
use crate::model::series::{Point, Series};
use crate::time::call_context::{CallContext, DATA_LATENCY};
use crate::time::timestamp::Timestamp;
use crate::util::text::sanitize_line;

impl Check {
    /// Runs the query and evaluates its result.
    ///
    /// Every error makes the report [`Unknown`](Status::Unknown), with the error as the reason. The
    /// intervals of the query and all ages are resolved at one reading of the clock.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Threshold};
    /// # use confluent_metrics::{Client, Credentials, Granularity, Interval, Query, Resource};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// # let metric = "io.confluent.kafka.server/partition_count";
    /// # let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
    /// #     .filter(Resource::kafka("lkc-1"));
    /// let report = Check::new(query)
    ///     .critical(Threshold::above(4000.0))
    ///     .run(&client);
    /// assert_eq!(report.exit_code(), 0, "{report}");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn run(&self, client: &Client) -> Report {
        let context = client.call_context();
        // A check that is invalid costs no request.
        if let Some(reason) = self.invalid_reason() {
            return self.unknown(None, reason);
        }
        match client.query_with(&self.query, &context) {
            Ok(result) => self.evaluate(&result, &context),
            Err(error) => self.error_report(&error),
        }
    }

    /// Evaluates a result that was received before, for tests and to replay stored responses.
    ///
    /// `now` is the time of the query: relative intervals are resolved against it, cut to the
    /// second. The data latency is 3 minutes, the default of a client.
    ///
    /// # Example: a result that violates a threshold
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Status, Threshold};
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let hour = Interval::last_hours(1);
    /// let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}"#;
    /// let result = QueryResult::from_json(&query, body)?;
    ///
    /// let check = Check::new(query).critical(Threshold::below(2000.0));
    /// let report = check.judge(&result, "2026-01-01T11:10:00Z".parse()?);
    /// assert_eq!(report.status(), Status::Critical);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Example: a result of another time
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Status, Threshold};
    /// # use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    /// # let hour = Interval::last_hours(1);
    /// # let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// # let body = br#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":1574.0}]}"#;
    /// # let result = QueryResult::from_json(&query, body)?;
    /// # let check = Check::new(query).named("traffic").critical(Threshold::below(2000.0));
    /// let report = check.judge(&result, "2026-01-01T12:10:00Z".parse()?);
    /// assert_eq!(
    ///     report.summary(),
    ///     "UNKNOWN: traffic: response does not match the query: \
    ///      point at 2026-01-01T10:00:00Z is outside \
    ///      2026-01-01T11:00:00Z/2026-01-01T12:00:00Z"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "replay")]
    pub fn judge(&self, result: &QueryResult, now: Timestamp) -> Report {
        let context = CallContext {
            now: now.floor_to_ms(1000),
            data_latency: DATA_LATENCY,
            retention: Duration::MAX,
        };
        match self.invalid_reason() {
            Some(reason) => self.unknown(None, reason),
            None => self.evaluate(result, &context),
        }
    }

    /// Returns the [`Unknown`](Status::Unknown) report of a check that could not be run, for
    /// example because there is no client.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Threshold};
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// use confluent_metrics::Credentials;
    ///
    /// # let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// # let check = Check::new(query).critical(Threshold::above(1000.0));
    /// let error = Credentials::api_key("", "").unwrap_err();
    /// assert_eq!(check.error_report(&error).exit_code(), 3);
    /// ```
    pub fn error_report(&self, error: &Error) -> Report {
        self.unknown(None, error_chain(error))
    }

    /// Returns the report on a result. It is unknown if the result does not belong to the query.
    fn evaluate(&self, result: &QueryResult, context: &CallContext) -> Report {
        let window = match CheckWindow::new(&self.query, context) {
            Ok(window) => window,
            Err(error) => return self.error_report(&error),
        };
        if let Some(reason) = empty_window_reason(&window) {
            return self.unknown(Some(&window), reason);
        }
        if let Some(reason) = mismatch_reason(result, &window) {
            return self.unknown(Some(&window), reason);
        }
        let all_reduced: Vec<_> = result
            .series()
            .iter()
            .map(|series| {
                let reduced = reduce_series(series, &window, self.reduce, self.limits);
                (series, reduced)
            })
            .collect();
        // Formats tell the checks of a report apart by the address of this value.
        let info = self.info(Some(&window));
        let mut findings = Vec::new();
        if let Some(reason) = incomplete_reason(result.completeness(), &window) {
            findings.push(Finding::of_check(&info, Status::Unknown, reason));
        }
        findings.extend(self.judge_expectations(&info, &all_reduced));
        // A series that is missing from the result might violate a threshold, so that it is not
        // certain that all series do.
        let uncertain = findings
            .iter()
            .any(|finding| finding.status == Status::Unknown)
            || all_reduced
                .iter()
                .any(|(_, reduced)| self.is_uncertain(reduced));
        let values = all_reduced
            .iter()
            .filter_map(|(_, reduced)| reduced.point())
            .map(|point| point.value);
        let evaluation = Evaluation::new(self.thresholds, self.quantifier, values, uncertain);
        for (series, reduced) in &all_reduced {
            findings.push(Finding {
                subject: Subject::Series,
                labels: series.labels().clone(),
                sparkline: sparkline(series, &window),
                ..self.judge_series(&info, reduced, &evaluation)
            });
        }
        Report::new(findings)
    }

    /// Returns the finding of one series, without its labels.
    fn judge_series(
        &self,
        info: &Arc<CheckInfo>,
        reduced: &Reduced,
        evaluation: &Evaluation,
    ) -> Finding {
        let (point, coverage) = match reduced {
            Reduced::Value(point, coverage) => (*point, *coverage),
            Reduced::Missing(reason) => {
                let (status, reason) = self.missing(reason);
                return Finding::of_check(info, status, reason);
            }
            Reduced::Unusable(reason) => {
                return Finding::of_check(info, Status::Unknown, reason.clone());
            }
        };
        let (status, mut verdict) = evaluation.judge(point.value);
        if self.reduce != Reduce::Last && !coverage.is_full() {
            verdict = format!("{verdict}; {coverage}");
        }
        // The minimum and the maximum are values of one point, a mean or a sum is of all points.
        let at = match self.reduce {
            Reduce::Last | Reduce::Min | Reduce::Max => "at",
            Reduce::Mean | Reduce::Sum | Reduce::Rate => "up to the bucket at",
        };
        let reason = format!(
            "{}, {} {at} {}, {verdict}",
            self.reduce.description(),
            format_value(point.value),
            point.timestamp,
        );
        Finding {
            value: Some(point.value),
            timestamp: Some(point.timestamp),
            verdict,
            ..Finding::of_check(info, status, reason)
        }
    }

    /// Returns true if the series might violate a threshold although it has no value.
    fn is_uncertain(&self, reduced: &Reduced) -> bool {
        match reduced {
            Reduced::Value(..) => false,
            Reduced::Missing(_) => self.on_missing == Missing::Unknown,
            Reduced::Unusable(_) => true,
        }
    }

    /// Returns the findings about series that the result lacks.
    fn judge_expectations(
        &self,
        info: &Arc<CheckInfo>,
        all_reduced: &[(&Series, Reduced)],
    ) -> Vec<Finding> {
        let mut reasons = Vec::new();
        if all_reduced.is_empty() {
            reasons.push(self.missing(
                "no series returned: nothing matched the filter, \
                 or nothing was recorded in the window",
            ));
        }
        let with_data = all_reduced
            .iter()
            .filter(|(_, reduced)| !reduced.is_missing())
            .count();
        if let Some(min) = self.min_series.filter(|min| with_data < *min) {
            reasons.push(self.unmet_expectation(&format!(
                "expected at least {min} series with data, found {with_data}"
            )));
        }
        let evaluated = all_reduced
            .iter()
            .filter(|(_, reduced)| reduced.point().is_some())
            .count();
        // Without this finding, a check that cannot reach its quantifier would always be OK.
        if let Quantifier::AtLeast(required) = self.quantifier {
            if !self.thresholds.is_empty() && evaluated < required && !all_reduced.is_empty() {
                reasons.push(self.missing(&format!(
                    "the quantifier requires {required} series, \
                     but only {evaluated} could be evaluated"
                )));
            }
        }
        let mut findings: Vec<_> = reasons
            .into_iter()
            .map(|(status, reason)| Finding::of_check(info, status, reason))
            .collect();
        for (label, value) in self.missing_labels(all_reduced) {
            let (status, reason) =
                self.unmet_expectation("expected, but no series with data has this label");
            findings.push(Finding {
                subject: Subject::Series,
                labels: Labels::new(&[(label, value)]).unwrap_or_default(),
                ..Finding::of_check(info, status, reason)
            });
        }
        findings
    }

    /// Returns the expected label values that no series with data has, sorted.
    fn missing_labels<'a>(
        &'a self,
        all_reduced: &[(&Series, Reduced)],
    ) -> BTreeSet<(&'a str, &'a str)> {
        let mut missing = BTreeSet::new();
        for (label, values) in &self.expected_labels {
            let present: HashSet<_> = all_reduced
                .iter()
                .filter(|(_, reduced)| !reduced.is_missing())
                .filter_map(|(series, _)| series.labels().get(label))
                .collect();
            for value in values {
                if !present.contains(value.as_str()) {
                    missing.insert((label.as_str(), value.as_str()));
                }
            }
        }
        missing
    }

    /// Returns the status of missing data, and the reason with the setting that led to it.
    fn missing(&self, reason: &str) -> (Status, String) {
        match self.on_missing {
            Missing::Unknown => (Status::Unknown, reason.to_owned()),
            other => (other.status(), format!("{reason} (on_missing: {other})")),
        }
    }

    /// Like [`missing`](Self::missing), but never OK, since the data was expected by name.
    fn unmet_expectation(&self, reason: &str) -> (Status, String) {
        match self.on_missing {
            Missing::Ok => (Status::Unknown, reason.to_owned()),
            _ => self.missing(reason),
        }
    }

    /// Returns a report with one finding of unknown status.
    fn unknown(&self, window: Option<&CheckWindow>, reason: String) -> Report {
        let info = self.info(window);
        Report::new(vec![Finding::of_check(&info, Status::Unknown, reason)])
    }

    /// Returns the data that the findings share. `window` is `None` if it cannot be resolved.
    fn info(&self, window: Option<&CheckWindow>) -> Arc<CheckInfo> {
        Arc::new(CheckInfo {
            name: self.name().to_owned(),
            metric: self.query.metric.clone(),
            filter: self.query.filter.clone(),
            reduce: self.reduce,
            window: window.and_then(CheckWindow::bounds),
            thresholds: self.thresholds,
        })
    }
}

/// Returns a reason if no bucket of the window may count.
fn empty_window_reason(window: &CheckWindow) -> Option<String> {
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
fn mismatch_reason(result: &QueryResult, window: &CheckWindow) -> Option<String> {
    let reason = result
        .series()
        .iter()
        .find_map(|series| series_mismatch(series, window))?;
    Some(format!("response does not match the query: {reason}"))
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
fn incomplete_reason(completeness: &Completeness, window: &CheckWindow) -> Option<String> {
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
fn error_chain(error: &Error) -> String {
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
