//! Several checks at once, and the checks of a program with names of its own.

use crate::check::check::Check;
use crate::check::report::{Finding, Report};
#[cfg(doc)]
use crate::check::status::Status;
use crate::client::Client;
use crate::error::Error;
use crate::util::text::sanitize_line;

impl Check {
    /// Runs several checks, and returns their reports in the order of the checks.
    ///
    /// The queries of all checks share the concurrency and the deadline of one call, as those of
    /// [`Client::query_all`]. All times are resolved at one reading of the clock. An error makes
    /// the report of its own check [`Unknown`](Status::Unknown), and no other one.
    ///
    /// ```
    /// use confluent_metrics::check::{Check, Report, Threshold};
    /// # use confluent_metrics::{Client, Credentials, Granularity, Interval, Query, Resource};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let partitions = "io.confluent.kafka.server/partition_count";
    /// let checks = ["lkc-1", "lkc-2"].map(|cluster| {
    ///     let interval = Interval::last_minutes(10);
    ///     let query = Query::new(partitions, Granularity::OneMinute, interval)
    ///         .filter(Resource::kafka(cluster));
    ///     Check::new(query)
    ///         .named(cluster)
    ///         .critical(Threshold::above(4000.0))
    /// });
    /// let report: Report = Check::run_all(&checks, &client).into_iter().collect();
    /// assert_eq!(report.findings().len(), 2, "{report}");
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "batch")]
    pub fn run_all(checks: &[Self], client: &Client) -> Vec<Report> {
        let context = client.call_context();
        let mut queries = Vec::new();
        for check in checks {
            if check.refusal(&context).is_none() {
                queries.extend(check.queries());
            }
        }
        let mut answers = client.query_all_with(&queries, &context).into_iter();
        let mut reports = Vec::new();
        for check in checks {
            let judgment = match check.refusal(&context) {
                Some(reason) => check.refused(&reason),
                None => {
                    let own = answers.by_ref().take(check.queries().len()).collect();
                    check.judge_answers(own, &context)
                }
            };
            reports.push(judgment.report);
        }
        reports
    }

    /// Returns an error if the check would be refused without a request.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a check that can never fail or never be
    /// OK, and for a query that `client` refuses. [`run`](Self::run) makes the same a report that is
    /// [`Unknown`](Status::Unknown).
    ///
    /// ```
    /// use confluent_metrics::check::Check;
    /// use confluent_metrics::{Client, Credentials, Granularity, Interval, Query};
    ///
    /// let client = Client::new(Credentials::api_key("key", "secret")?);
    /// let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// let error = Check::new(query).validate(&client).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "invalid check: no threshold and no expectation: the check can never fail"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn validate(&self, client: &Client) -> Result<(), Error> {
        if let Some(reason) = self.refusal(&client.call_context()) {
            return Err(Error::invalid_input(reason));
        }
        for query in self.queries() {
            client.request_bodies(&query)?;
        }
        Ok(())
    }
}

impl Report {
    /// Replaces the reason of every finding, for a program whose settings have other names than
    /// the methods of [`Check`].
    ///
    /// `map` gets the finding and a text: the whole [reason](Finding::reason), or the end of it
    /// that tables show. The text that it returns becomes one line.
    ///
    /// ```
    /// # use confluent_metrics::check::{Check, Threshold};
    /// # use confluent_metrics::{Granularity, Query, QueryResult};
    /// # let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// # let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// # let result = QueryResult::from_json(&query, br#"{"data":[]}"#)?;
    /// # let check = Check::new(query).named("traffic");
    /// # let now = "2026-01-01T11:10:00Z".parse()?;
    /// let report = check.judge(&result, now).map_reasons(&|_finding, text| {
    ///     text.replace("threshold", "limit")
    /// });
    /// assert_eq!(
    ///     report.summary(),
    ///     "UNKNOWN: traffic: invalid check: no limit and no expectation: \
    ///      the check can never fail"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    pub fn map_reasons(mut self, map: &dyn Fn(&Finding, &str) -> String) -> Self {
        for finding in &mut self.findings {
            let reason = map(finding, &finding.reason);
            let verdict = map(finding, &finding.verdict);
            finding.reason = sanitize_line(&reason, usize::MAX);
            finding.verdict = sanitize_line(&verdict, usize::MAX);
        }
        self
    }
}
