//! Queries of the points of a metric.
//!
//! A call reads the clock once and plans the requests. `query` and `query_all` read the windows of
//! the plan in parallel, within one deadline. `query_pages` returns one page after the other.

use std::sync::Arc;

use crate::client::{Client, parallel};
use crate::error::Error;
use crate::model::query_result::QueryResult;
use crate::model::series::Series;
use crate::pagination::collector::Collector;
use crate::pagination::pages::Pages;
use crate::pagination::progress_reporter::ProgressReporter;
use crate::pagination::query_pager::QueryPager;
use crate::pagination::window_reader::{Mode, WindowReader};
use crate::request::operation::Operation;
use crate::request::plan::{Plan, plan};
use crate::request::query::Query;
use crate::time::call_context::CallContext;
use crate::time::deadline::Deadline;

impl Client {
    /// Runs a query and returns the complete result.
    ///
    /// A long interval is split into several windows, because one request covers a limited time
    /// at each granularity. The client fetches every page of every window and merges them, with
    /// up to [`concurrency`](crate::ClientBuilder::concurrency) requests at a time.
    ///
    /// # Example: bytes per topic
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let metric = "io.confluent.kafka.server/received_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
    ///     .filter(Resource::kafka("lkc-1"))
    ///     .group_by(["metric.topic"]);
    /// for series in client.query(&query)? {
    ///     let bytes: f64 = series.points().iter().map(|point| point.value).sum();
    ///     println!("{} {bytes}", series.labels());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Example: a query that cannot be sent
    ///
    /// ```
    /// use confluent_metrics::{ErrorKind, Granularity, Interval, Query};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let query = Query::new("", Granularity::OneHour, Interval::last_days(1));
    /// let error = client.query(&query).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](crate::ErrorKind::InvalidInput) if the query is invalid. The error lists
    ///   every problem, and nothing is sent.
    /// - [`Incomplete`](crate::ErrorKind::Incomplete) if the service does not return everything,
    ///   unless the query [allows truncated results](Query::allow_truncated).
    /// - [`ClockSkew`](crate::ErrorKind::ClockSkew) if the query has a relative interval, and the
    ///   clock of the service differs from this machine's.
    /// - Any other [kind](crate::ErrorKind) if a request fails.
    pub fn query(&self, query: &Query) -> Result<QueryResult, Error> {
        let deadline = self.start_deadline();
        let collector = self.collector(query, &self.call_context())?;
        self.read_windows(&[&collector], &deadline);
        collector.finish(&deadline)
    }

    /// Runs several queries, and returns their results in the order of the queries.
    ///
    /// All windows of all queries share the
    /// [`concurrency`](crate::ClientBuilder::concurrency) and the
    /// [`deadline`](crate::ClientBuilder::deadline) of one call. They are started in the order of
    /// the queries. Relative intervals of all queries are resolved at the same time.
    ///
    /// An error stops its own query, and no other one.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let queries = ["lkc-1", "lkc-2"].map(|cluster| {
    ///     Query::new(metric, Granularity::OneHour, Interval::last_days(1))
    ///         .filter(Resource::kafka(cluster))
    /// });
    /// for (query, result) in queries.iter().zip(client.query_all(&queries)) {
    ///     match result {
    ///         Ok(result) => println!("{} series", result.series().len()),
    ///         Err(error) => eprintln!("{query:?}: {error}"),
    ///     }
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Each result has the errors of [`query`](Self::query). After the deadline, every query that
    /// is not complete is a [`Timeout`](crate::ErrorKind::Timeout).
    #[doc(alias = "batch")]
    pub fn query_all(&self, queries: &[Query]) -> Vec<Result<QueryResult, Error>> {
        self.query_all_with(queries, &self.call_context())
    }

    /// Returns an iterator over the pages of a query, each fetched on demand.
    ///
    /// Use it for results that do not fit in memory, or to show progress. The iterator does not
    /// borrow the client. An invalid query is the first and only item.
    ///
    /// Each `next` has the full [deadline](crate::ClientBuilder::deadline) to itself.
    ///
    /// If a page token expires, the client reads the window again, once. It then omits the groups
    /// that it has returned before, even if their points have changed since.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Granularity, Interval, Query, Resource};
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    ///
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneMinute, Interval::last_days(1))
    ///     .filter(Resource::kafka("lkc-1"))
    ///     .group_by(["metric.topic"]);
    /// for page in client.query_pages(&query) {
    ///     for series in page? {
    ///         println!("{} {:?}", series.labels(), series.last());
    ///     }
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The items have the errors of [`query`](Self::query). The iterator ends after the first
    /// error.
    pub fn query_pages(&self, query: &Query) -> Pages<Series> {
        let pager = self.pager(query, &self.call_context());
        Pages::new(pager, self.limits.clone())
    }

    /// Returns the request bodies of a query without sending them.
    ///
    /// There is one body per window, exactly as [`query`](Self::query) would send it for every page
    /// of the window. Use it to debug a query, or to repeat it with another tool.
    ///
    /// # Example
    ///
    /// ```
    /// use confluent_metrics::{Client, Credentials, Granularity, Interval, Query};
    ///
    /// let client = Client::new(Credentials::api_key("key", "secret")?);
    /// let metric = "io.confluent.kafka.server/sent_bytes";
    /// let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6));
    /// let bodies = client.request_bodies(&query)?;
    /// assert!(bodies[0].contains(r#""granularity":"PT1H""#));
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the query is invalid. The error lists
    /// every problem.
    #[doc(alias = "dry_run")]
    pub fn request_bodies(&self, query: &Query) -> Result<Vec<String>, Error> {
        let plan = self.plan(query, &self.call_context())?;
        Ok(plan
            .windows
            .iter()
            // Without a label range: it depends on the responses to these bodies.
            .map(|window| window.body(query, None))
            .collect())
    }

    /// Runs queries whose intervals are resolved with `context`.
    ///
    /// A check passes the one that its windows were resolved with.
    pub(crate) fn query_all_with(
        &self,
        queries: &[Query],
        context: &CallContext,
    ) -> Vec<Result<QueryResult, Error>> {
        let deadline = self.start_deadline();
        let collectors: Vec<_> = queries
            .iter()
            .map(|query| self.collector(query, context))
            .collect();
        let valid: Vec<&Collector> = collectors.iter().flatten().collect();
        self.read_windows(&valid, &deadline);
        collectors
            .into_iter()
            .map(|collector| collector?.finish(&deadline))
            .collect()
    }

    /// Reads all windows of some queries, several at a time.
    fn read_windows(&self, collectors: &[&Collector], deadline: &Deadline) {
        let mut jobs = Vec::new();
        for collector in collectors {
            for window in 0..collector.window_count() {
                jobs.push((*collector, window));
            }
        }
        let events = self.inner.transport.events();
        let reporter = ProgressReporter::new(jobs.len(), events);
        let threads = self.inner.concurrency;
        parallel::run(threads, jobs.len(), deadline, &|job, deadline| {
            let (collector, window) = jobs[job];
            collector.read_window(window, &reporter, deadline);
        });
    }

    /// Validates and plans a query whose windows are read in parallel. Sends nothing.
    fn collector(&self, query: &Query, context: &CallContext) -> Result<Collector, Error> {
        let plan = self.plan(query, context)?;
        let reader = self.reader(query, &plan, context, Mode::Collect);
        Ok(Collector::new(reader, plan))
    }

    /// Validates and plans a query whose pages are read one by one. Sends nothing.
    fn pager(&self, query: &Query, context: &CallContext) -> Result<QueryPager, Error> {
        let plan = self.plan(query, context)?;
        let reader = self.reader(query, &plan, context, Mode::Stream);
        Ok(QueryPager::new(reader, plan))
    }

    /// Creates the reader of the windows of a plan.
    fn reader(
        &self,
        query: &Query,
        plan: &Plan,
        context: &CallContext,
        mode: Mode,
    ) -> WindowReader {
        WindowReader {
            // The iterator of pages owns its reader, so it can outlive the client.
            transport: Arc::clone(&self.inner.transport),
            path: self.path(Operation::Query),
            context: self.query_context(query),
            query: query.clone(),
            is_relative: plan.is_relative,
            clock: *context,
            mode,
        }
    }

    /// Plans the requests, and adds the name of the metric to errors.
    fn plan(&self, query: &Query, context: &CallContext) -> Result<Plan, Error> {
        plan(query, context).map_err(|error| error.with_context(|| self.query_context(query)))
    }

    /// Returns the context of errors, such as `query of io.confluent.kafka.server/sent_bytes`.
    fn query_context(&self, query: &Query) -> String {
        self.metric_context(Operation::Query.name(), &query.metric)
    }
}
