//! A blocking client of the [Confluent Cloud Metrics API](https://docs.confluent.io/cloud/current/monitoring/metrics-api.html).
//!
//! It is for synchronous programs, small scripts, and checks in a build or a pipeline: no async runtime, four direct
//! dependencies, and never a partial answer that looks whole.
//!
//! A client is made of the environment, which has the key in `CONFLUENT_CLOUD_API_KEY` and `CONFLUENT_CLOUD_API_SECRET`;
//! [`Client::builder`] takes one from anywhere else:
//!
//! ```no_run
//! use confluent_metrics::Client;
//!
//! let client = Client::from_env()?;
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! The snippets below use this `client`. They run as tests against `confluent-metrics-emulator`, the service on loopback, which
//! is in the repository and which your own tests can start as well.
//!
//! # Asking
//!
//! A [`Query`] is a plain value: a metric, a [`Granularity`], an [`Interval`], and a [`Filter`] that most datasets want to
//! name a [`Resource`]. A [`Client`] sends it and gives back a [`QueryResult`]: a [`Series`] for each set of [`Labels`],
//! each with its [`Point`]s, the oldest first.
//!
//! ```
//! use confluent_metrics::{Granularity, Interval, Query, Resource};
//!
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = confluent_metrics::Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = confluent_metrics::Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
//! let query = Query::new("io.confluent.kafka.server/received_bytes", Granularity::OneHour, Interval::last_days(1))
//!     .filter(Resource::kafka("lkc-1"))
//!     .group_by(["metric.topic"]);
//! for series in client.query(&query)? {
//!     let topic = series.labels().get("metric.topic").unwrap_or("-");
//!     let total: f64 = series.points().iter().map(|point| point.value).sum();
//!     println!("{topic:30} {total}");
//! }
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # What there is to ask for
//!
//! [`Client::metric_descriptors`] lists the metrics, with their units and labels, and [`MetricDescriptor::closest_matches`] finds what
//! a mistyped name may have meant. [`Client::attributes`] tells which values a label has: which topics there are, say.
//!
//! ```
//! use confluent_metrics::{AttributeQuery, MetricDescriptor, Resource};
//!
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = confluent_metrics::Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = confluent_metrics::Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
//! let metrics = client.metric_descriptors()?;
//! for metric in MetricDescriptor::closest_matches("consumer_lag", &metrics, 3) {
//!     println!("{} (unit {}): {}", metric.name(), metric.unit(), metric.description());
//!     for label in metric.labels() {
//!         println!("    {}", label.query_name());
//!     }
//! }
//! let groups = AttributeQuery::new("io.confluent.kafka.server/consumer_lag_offsets", ["metric.consumer_group_id"]);
//! for group in client.attributes(&groups.filter(Resource::kafka("lkc-1")))? {
//!     println!("{group}");
//! }
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # The newest of everything
//!
//! An export is what a Prometheus scrapes: the newest point of every metric of some resources, in one request.
//! [`Client::export`] reads it into [`Sample`]s; [`Export::completeness`] says what is missing, and
//! [`Export::require_complete`] makes an error of that. [`Client::discover`] finds the resources.
//!
//! ```
//! use confluent_metrics::{DiscoveryRequest, ExportRequest, TargetGroup};
//!
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = confluent_metrics::Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = confluent_metrics::Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
//! let groups = client.discover(&DiscoveryRequest::new().kafka_cluster("lkc-1"))?;
//! let request = ExportRequest::new(groups.iter().flat_map(TargetGroup::resources));
//! let export = client.export(&request)?.require_complete()?;
//! for sample in export.samples_of("io.confluent.kafka.server/active_connection_count") {
//!     println!("{} {}", sample.labels(), sample.value());
//! }
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # What it promises
//!
//! - **Whole or an error.** Long intervals are split into windows, every page is fetched, and the parts are joined, with
//!   each bucket in the result exactly once. What cannot be had whole is an error that says what is missing
//!   ([`ErrorKind::Incomplete`]), or is said by [`Completeness`] where the query allows it.
//! - **Times are settled before anything is sent.** Intervals relative to now are turned into absolute times once,
//!   before the first request; `now` itself is never sent. [`Interval::last`] is the last settled buckets. Times off
//!   the grid of buckets, buckets that are still filling up and buckets that the service has begun to drop are refused.
//! - **Clocks are compared.** If this machine's clock differs from the service's by more than a minute, a call with a
//!   relative interval fails with [`ErrorKind::ClockSkew`].
//! - **Numbers are exact**: the nearest `f64` to what the service wrote.
//! - **Idle is not zero.** A bucket without data has no point.
//! - **Errors explain themselves.** One sentence with the service's own words, a [`hint`](Error::hint), and never a
//!   secret.
//!
//! # Holding out
//!
//! All calls only read, so all may be repeated. Failures that are likely to pass (408, 429, 5xx, a connection that was
//! refused or broke, a time-out once) are retried after a random part of a growing wait, or after the wait that the service
//! asks for, until [`ClientBuilder::max_retries`] or the deadline of the whole call ([`ClientBuilder::deadline`]). The limits
//! that the service tells with its answers are kept by all clones of a client together; [`Client::rate_limits`] shows them.
//! Redirects are followed on the same scheme, host and port, and nowhere else. There is no switch that turns the check of
//! certificates off.
//!
//! # Gates
//!
//! The module [`check`] judges what a query gives by thresholds, for a pipeline, a build or a monitor, and never passes for
//! want of data.
//!
//! # Many at once
//!
//! A client is blocking, and several threads may use it at once: each call keeps a connection of its own, the connections
//! are kept for the next ones, and the limits of the service hold for all threads together, so that no thread makes the
//! service refuse (429) another. They are the limits that the service announces; none of one's own can be set. Scoped threads
//! are enough. How many threads are useful depends on how long an answer takes, not on the number of processors; past the
//! service's limit more of them only wait.
//!
//! ```
//! use std::sync::Mutex;
//! use std::thread;
//!
//! use confluent_metrics::{Client, Error, Granularity, Interval, Query, QueryResult, Resource};
//!
//! /// The results of all queries in their order, using `threads` threads.
//! fn query_all(client: &Client, queries: &[Query], threads: usize) -> Vec<Result<QueryResult, Error>> {
//!     let next = Mutex::new(queries.iter().enumerate());
//!     let done = Mutex::new(Vec::new());
//!     thread::scope(|scope| {
//!         for _ in 0..threads {
//!             scope.spawn(|| {
//!                 loop {
//!                     // Taken in a statement of its own, so that the others need not wait for the answer.
//!                     let taken = next.lock().unwrap().next();
//!                     let Some((at, query)) = taken else { break };
//!                     let result = client.query(query);
//!                     done.lock().unwrap().push((at, result));
//!                 }
//!             });
//!         }
//!     });
//!     let mut done = done.into_inner().unwrap();
//!     done.sort_by_key(|(at, _)| *at);
//!     done.into_iter().map(|(_, result)| result).collect()
//! }
//!
//! # use confluent_metrics::Credentials;
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials).base_url(emulator.url()).root_certificates_pem(emulator.ca_pem()).build()?;
//! let asked = [("sent_bytes", "lkc-1"), ("received_bytes", "lkc-1"), ("sent_bytes", "lkc-2")];
//! let queries = asked.map(|(metric, cluster)| {
//!     let metric = format!("io.confluent.kafka.server/{metric}");
//!     Query::new(metric, Granularity::OneHour, Interval::last_days(1)).filter(Resource::kafka(cluster))
//! });
//! for ((metric, cluster), result) in asked.iter().zip(query_all(&client, &queries, 4)) {
//!     let points: usize = result?.series().iter().map(|series| series.points().len()).sum();
//!     println!("{metric} of {cluster}: {points} points");
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! # Logs
//!
//! The library logs nothing itself. The HTTP packages under it use the `log` crate: at the level `debug` and above they show
//! no secret; at `trace` they show every byte of a request, **the `Authorization` header among them**, so keep the targets
//! `ureq` and `ureq_proto` at `debug` or above wherever logs are kept.
//!
//! # Features
//!
//! - `gzip` (default): asks for compressed answers.
//! - `platform-verifier`: adds `ClientBuilder::platform_verifier`, which trusts what the operating system trusts.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// `#[inline]` stands where every point passes, and on what belongs to lists, exports and checks: a program that does without
// one of those does not translate it. A program that only queries takes a quarter less of the compiler's time for this crate.

pub mod check;
mod client;
pub mod dataset;
mod decode;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod model;
mod pagination;
mod request;
mod time;
mod transport;
mod util;

pub use client::{Client, ClientBuilder};
pub use decode::export::Export;
pub use error::{ApiError, Error, ErrorKind};
pub use model::descriptor::{
    LabelDescriptor, LifecycleStage, MetricDescriptor, MetricKind, ResourceDescriptor, export_name,
};
pub use model::filter::Filter;
pub use model::filter_value::FilterValue;
pub use model::labels::Labels;
pub use model::resource::Resource;
pub use model::sample::Sample;
pub use model::series::{Completeness, Point, QueryResult, Series};
pub use pagination::page::{Page, Progress};
pub use pagination::pages::Pages;
pub use request::attribute_query::AttributeQuery;
pub use request::discovery::{DiscoveryRequest, TargetGroup};
pub use request::export::{ExportFormat, ExportRequest};
pub use request::query::{Aggregation, Order, Query};
pub use time::granularity::Granularity;
pub use time::interval::Interval;
pub use time::timestamp::Timestamp;
pub use transport::credentials::Credentials;
pub use transport::rate_limit::RateLimit;
