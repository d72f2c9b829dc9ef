//! The ways to judge a check: with a client, or with stored results.

use std::time::Duration;

use crate::check::check::Check;
use crate::check::mismatch::error_chain;
use crate::check::report::Report;
#[cfg(doc)]
use crate::check::status::Status;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::model::query_result::QueryResult;
use crate::request::query::Query;
use crate::time::call_context::{CallContext, DATA_LATENCY};
use crate::time::timestamp::Timestamp;

/// One judgment of a check.
#[derive(Debug)]
pub(super) struct Judgment {
    /// The report.
    pub(super) report: Report,
    /// The kind of the error, if there is no result to judge.
    pub(super) error: Option<ErrorKind>,
}

impl Check {
    /// Runs the [queries](Self::queries) and evaluates their results.
    ///
    /// Every error makes the report [`Unknown`](Status::Unknown), with the error as the reason. The
    /// intervals of all queries and all ages are resolved at one reading of the clock.
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
        self.judge_now(client, &client.call_context()).report
    }

    /// Evaluates a result that was received before, for tests and to replay stored responses.
    ///
    /// `now` is the time of the query: relative intervals are resolved against it, cut to the
    /// second. The data latency is 3 minutes, the default of a client.
    ///
    /// A check with several [queries](Self::queries) is [`Unknown`](Status::Unknown):
    /// [`judge_all`](Self::judge_all) takes all of their results.
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
        match self.queries().len() {
            1 => self.judge_all(std::slice::from_ref(result), now),
            count => self.invalid(&format!(
                "the check has {count} queries: use judge_all, with a result for each"
            )),
        }
    }

    /// Evaluates results that were received before, one for each of the
    /// [queries](Self::queries), in their order.
    ///
    /// `now` is used as in [`judge`](Self::judge). Results of other queries, too few and too many
    /// of them make the report [`Unknown`](Status::Unknown).
    ///
    /// # Example: compare two stored responses
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use confluent_metrics::check::{Change, Check, Status, Threshold};
    /// use confluent_metrics::{Granularity, Interval, Query, QueryResult};
    ///
    /// let hour = "2026-01-01T10:00:00Z/PT1H".parse()?;
    /// let query = Query::new("sent_bytes", Granularity::OneHour, hour);
    /// let check = Check::new(query)
    ///     .named("traffic")
    ///     .compare_to(Duration::from_secs(3600), Change::Percent)
    ///     .critical(Threshold::below(-50.0));
    ///
    /// let bodies = [
    ///     r#"{"data":[{"timestamp":"2026-01-01T10:00:00Z","value":300.0}]}"#,
    ///     r#"{"data":[{"timestamp":"2026-01-01T09:00:00Z","value":1200.0}]}"#,
    /// ];
    /// let mut results = Vec::new();
    /// for (query, body) in check.queries().iter().zip(bodies) {
    ///     results.push(QueryResult::from_json(query, body.as_bytes())?);
    /// }
    /// let report = check.judge_all(&results, "2026-01-01T11:10:00Z".parse()?);
    /// assert_eq!(
    ///     report.summary(),
    ///     "CRITICAL: traffic: the change of the last value, -75 % \
    ///      (from 1200 to 300 at 2026-01-01T10:00:00Z), is below -50 (critical)"
    /// );
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[doc(alias = "replay")]
    pub fn judge_all(&self, results: &[QueryResult], now: Timestamp) -> Report {
        let context = CallContext {
            now: now.floor_to_ms(1000),
            data_latency: DATA_LATENCY,
            retention: Duration::MAX,
        };
        match self.invalid_reason() {
            Some(reason) => self.invalid(&reason),
            None => self.evaluate(results, &context),
        }
    }

    /// Returns the queries that a check runs, in the order of their results in
    /// [`judge_all`](Self::judge_all).
    ///
    /// The query of the check is the first. The query of [`divide_by`](Self::divide_by) follows,
    /// and then, with [`compare_to`](Self::compare_to), both of the earlier window.
    ///
    /// ```
    /// # use confluent_metrics::check::{Change, Check};
    /// # use confluent_metrics::{Granularity, Interval, Query};
    /// # use std::time::Duration;
    /// let query = Query::new("sent_bytes", Granularity::OneMinute, Interval::last_hours(1));
    /// let check = Check::new(query.clone());
    /// assert_eq!(check.queries(), [query]);
    /// let check = check.compare_to(Duration::from_secs(86_400), Change::Difference);
    /// assert_eq!(check.queries().len(), 2);
    /// ```
    pub fn queries(&self) -> Vec<Query> {
        let mut queries = vec![self.query.clone()];
        queries.extend(self.divisor.clone());
        if let Some(comparison) = self.comparison {
            for query in queries.clone() {
                queries.push(Self::shift_back(&query, comparison));
            }
        }
        queries
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
        self.unknown(&error_chain(error), Some(error.kind()))
    }

    /// Runs the queries whose intervals are resolved with `context`, and evaluates their results.
    pub(super) fn judge_now(&self, client: &Client, context: &CallContext) -> Judgment {
        // A check that is invalid costs no request.
        if let Some(reason) = self.refusal(context) {
            return self.refused(&reason);
        }
        let answers = client.query_all_with(&self.queries(), context);
        self.judge_answers(answers, context)
    }

    /// Returns the reason if the check cannot be evaluated whatever its results are.
    pub(super) fn refusal(&self, context: &CallContext) -> Option<String> {
        self.invalid_reason()
            .or_else(|| self.lost_baseline_reason(context))
    }

    /// Returns the judgment of a check that is not run.
    pub(super) fn refused(&self, reason: &str) -> Judgment {
        Judgment {
            report: self.invalid(reason),
            error: Some(ErrorKind::InvalidInput),
        }
    }

    /// Evaluates the results of the queries, or reports the first error.
    pub(super) fn judge_answers(
        &self,
        answers: Vec<Result<QueryResult, Error>>,
        context: &CallContext,
    ) -> Judgment {
        let mut results = Vec::new();
        for (index, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(result) => results.push(result),
                Err(error) => {
                    let reason = format!("{}{}", self.role(index), error_chain(&error));
                    return Judgment {
                        report: self.unknown(&reason, Some(error.kind())),
                        error: Some(error.kind()),
                    };
                }
            }
        }
        Judgment {
            report: self.evaluate(&results, context),
            error: None,
        }
    }

    /// Returns the words in front of a reason that is about one of the queries.
    pub(super) fn role(&self, index: usize) -> &'static str {
        match (index, self.divisor.is_some()) {
            (0, _) => "",
            (1, true) => "divisor: ",
            (1, false) | (2, _) => "baseline: ",
            _ => "divisor of the baseline: ",
        }
    }
}
