//! A blocking client for the [Confluent Cloud Metrics API][api].
//!
//! It is made for synchronous programs, small scripts, and checks in CI. It has four direct
//! dependencies and no async runtime, and never returns a partial result that looks complete.
//!
//! [`Client::from_env`] reads an API key from `CONFLUENT_CLOUD_API_KEY` and
//! `CONFLUENT_CLOUD_API_SECRET`. [`Client::builder`] takes [`Credentials`] from elsewhere, and
//! [`Credentials::bearer_from`] takes tokens that expire from a function.
//! [`Client::check_access`] tells if they can read a resource.
//!
//! ```no_run
//! let client = confluent_metrics::Client::from_env()?;
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! The [cookbook](_documentation::cookbook) answers questions of the daily work, the table of
//! [names](_documentation::names) has every label, and
//! [troubleshooting](_documentation::troubleshooting) explains each kind of error.
//!
//! The examples below use this `client`. They run as tests against an emulator of the service,
//! which your own tests can use too: see [testing](_documentation::testing).
//!
//! # Querying
//!
//! A [`Query`] names a metric, a [`Granularity`], an [`Interval`], and in most datasets a
//! [`Filter`] for a [`Resource`]. [`Client::query`] returns a [`QueryResult`]: one [`Series`] of
//! [`Point`]s for each set of [`Labels`]. [`Client::query_pages`] returns it page by page.
//!
//! ```
//! use confluent_metrics::{Granularity, Interval, Query, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials).base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem()).build()?;
//!
//! let metric = "io.confluent.kafka.server/received_bytes";
//! let query = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
//!     .filter(Resource::kafka("lkc-1"))
//!     .group_by(["metric.topic"]);
//! for series in client.query(&query)? {
//!     let total: f64 = series.points().iter().map(|point| point.value).sum();
//!     println!("{} {total}", series.labels());
//! }
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Discovering metrics and labels
//!
//! [`Client::metric_descriptors`] lists the metrics with their units and labels.
//! [`MetricDescriptor::closest_matches`] suggests names for a misspelled one.
//! [`Client::attributes`] lists the values of a label, such as all topics.
//!
//! ```
//! use confluent_metrics::{AttributeQuery, MetricDescriptor, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials).base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem()).build()?;
//!
//! let metrics = client.metric_descriptors()?;
//! for metric in MetricDescriptor::closest_matches("consumer_lag", &metrics, 3) {
//!     println!("{} (unit {})", metric.name(), metric.unit());
//! }
//! let metric = "io.confluent.kafka.server/consumer_lag_offsets";
//! let groups = AttributeQuery::new(metric, ["metric.consumer_group_id"])
//!     .filter(Resource::kafka("lkc-1"));
//! for group in client.attributes(&groups)? {
//!     println!("{group}");
//! }
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Exporting
//!
//! [`Client::export`] returns the latest value of every metric of some resources in one request,
//! as Prometheus would scrape it. [`Client::discover`] finds the resources.
//!
//! ```
//! use confluent_metrics::{DiscoveryRequest, ExportRequest, TargetGroup};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials).base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem()).build()?;
//!
//! let groups = client.discover(&DiscoveryRequest::new().kafka_cluster("lkc-1"))?;
//! let request = ExportRequest::new(groups.iter().flat_map(TargetGroup::resources));
//! for sample in client.export(&request)?.require_complete()? {
//!     println!("{}{} {}", sample.name(), sample.labels(), sample.value());
//! }
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Guarantees
//!
//! - **Complete, or an error.** Long intervals are split, every page is fetched, and each bucket is
//!   covered once. Otherwise the call fails with [`ErrorKind::Incomplete`], or [`Completeness`]
//!   says what is missing if the query allows it. Of several resources in one filter, the service
//!   leaves out those that the key has no access to: see [`Filter::one_of`].
//! - **Relative times are resolved once,** before the first request. [`Interval::last`] covers
//!   complete buckets only.
//! - **Clocks are compared.** A call with a relative interval fails with [`ErrorKind::ClockSkew`]
//!   if the clock of the service differs by more than a minute.
//! - **Numbers are exact.** A value is the nearest `f64` to the number in the response.
//! - **Idle is not zero.** A bucket without data has no point.
//! - **Errors are explicit.** An [`Error`] names the call, quotes the service, often has a
//!   [`hint`](Error::hint), and never contains a secret.
//!
//! # Retries and rate limits
//!
//! Transient failures are retried up to [`ClientBuilder::max_retries`] times, and never past the
//! [deadline](ClientBuilder::deadline) of the call. The client respects the rate limits in the
//! responses of the service. Redirects are followed only to the same scheme, host and port.
//!
//! # Concurrency
//!
//! A query over a long interval needs several requests, and a call keeps up to
//! [`ClientBuilder::concurrency`] of them in flight. [`Client::query_all`] does so for several
//! queries. The result is the same as that of one request at a time.
//!
//! Several threads can share a client, which reuses connections and applies rate limits to all
//! threads together. See [concurrency](_documentation::concurrency) for the costs.
//!
//! # Shutting down
//!
//! A [`CancelToken`] ends the calls of a client within 250 ms, whatever they wait for. See
//! [shutting down](_documentation::shutting_down) for a service that stops on a signal.
//!
//! # Checks
//!
//! The [`check`] module evaluates thresholds for CI and monitoring. Missing data never passes.
//!
//! # Storing and configuring
//!
//! Results can be stored, and queries read from a configuration, with serde. See
//! [storing and configuring](_documentation::serde) for the forms.
//!
//! # Logging
//!
//! This crate logs nothing. [`ClientBuilder::on_event`] passes each request, response, retry and
//! wait to a closure. [Events](_documentation::events) has recipes for `log` and `tracing`.
//!
//! The HTTP crates below this one use `log`. At level `trace` they log every byte of a request,
//! **including the `Authorization` header**. Keep the targets `ureq` and `ureq_proto` at `debug` or
//! above.
//!
//! # Features
//!
//! - `gzip` (default): requests compressed responses.
//! - `platform-verifier`: adds `ClientBuilder::platform_verifier`, for the system's certificates.
//!
//! [api]: https://docs.confluent.io/cloud/current/monitoring/metrics-api.html
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod _documentation;
mod api_error;
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
mod serde_text;
mod time;
mod transport;
mod util;

pub use api_error::ApiError;
pub use client::{Client, ClientBuilder};
pub use decode::export::Export;
pub use error::{Error, ErrorKind};
pub use model::descriptor::{LabelDescriptor, MetricDescriptor, ResourceDescriptor, export_name};
pub use model::filter::Filter;
pub use model::filter_value::FilterValue;
pub use model::iter;
pub use model::labels::Labels;
pub use model::lifecycle_stage::LifecycleStage;
pub use model::metric_kind::MetricKind;
pub use model::point::Point;
pub use model::progress::Progress;
pub use model::query_result::{Completeness, QueryResult};
pub use model::rate_limit::RateLimit;
pub use model::resource::Resource;
pub use model::sample::Sample;
pub use model::series::Series;
pub use model::unknown_name::UnknownName;
pub use pagination::page::Page;
pub use pagination::pages::Pages;
pub use request::aggregation::Aggregation;
pub use request::attribute_query::AttributeQuery;
pub use request::discovery::{DiscoveryRequest, TargetGroup};
pub use request::export::{ExportFormat, ExportRequest};
pub use request::order::Order;
pub use request::query::Query;
pub use time::cancel::CancelToken;
pub use time::granularity::Granularity;
pub use time::interval::Interval;
pub use time::timestamp::Timestamp;
pub use transport::credentials::Credentials;
pub use transport::event::{Event, EventRequest};
