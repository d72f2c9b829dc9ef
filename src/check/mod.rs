//! Checks that turn a metric into a verdict for CI, builds and monitoring, and fail closed.
//!
//! A gate on a metric often passes by accident: if there is no data, no value is above the limit.
//! A [`Check`] is [`Ok`](Status::Ok) only if every value was there, complete, recent and within the
//! thresholds. Everything else has a status of its own, and a reason.
//!
//! ```
//! use confluent_metrics::check::{Check, Format, Status, Threshold};
//! use confluent_metrics::{Client, Granularity, Interval, Query, Resource};
//!
//! # use confluent_metrics::Credentials;
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! // A share from 0 to 1, in spite of its name.
//! let load = "io.confluent.kafka.server/cluster_load_percent";
//! let query = Query::new(load, Granularity::FiveMinutes, Interval::last_hours(1))
//!     .filter(Resource::kafka("lkc-1"));
//! let report = Check::new(query)
//!     .warning("~:0.7".parse()?)
//!     .critical(Threshold::above(0.9))
//!     .run(&client);
//! report.write(Format::Text, &mut std::io::stdout())?;
//! // A program ends with std::process::exit(report.exit_code().into()).
//! assert_ne!(report.status(), Status::Unknown);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Guides: [from a shell](guide::command_line), [in a build script](guide::build_script),
//! [in a test suite](guide::test_suite), [connectors and other states](guide::states),
//! [recipes](guide::recipes).
//!
//! # Status
//!
//! | data | status |
//! | --- | --- |
//! | a value within the thresholds | Ok |
//! | a value that violates the [warning](Check::warning) threshold | Warning |
//! | a value that violates the [critical](Check::critical) threshold | Critical |
//!
//! The following is missing data. It has the status of [`on_missing`](Check::on_missing), which
//! defaults to Unknown:
//!
//! - a result without series;
//! - a series without a point in the window, or without a complete bucket;
//! - an unset watermark (`-9.223372036854776E18`, and any value at or below -4.6E18);
//! - a [null](crate::Series::newest_null) after the last point, with [`Reduce::Last`];
//! - fewer series with data than the [quantifier](Quantifier::AtLeast) requires;
//! - fewer series with data than [expected](Check::expect_at_least), but Unknown instead of Ok;
//! - an [expected label value](Check::expect_labels), but Unknown instead of Ok.
//!
//! The following is always Unknown:
//!
//! - a last point that exceeds the [maximum age](Check::max_age);
//! - fewer buckets with data than [`min_coverage`](Check::min_coverage) requires;
//! - a sum, mean or rate that exceeds `f64`;
//! - an [incomplete](crate::Completeness) result;
//! - a result with points outside the window or the buckets of the query;
//! - a window without a complete bucket;
//! - an [`Error`](crate::Error) of any kind, such as a clock that differs by more than a minute;
//! - a check that can never fail, or whose expectations cannot be met, such as a label that is not
//!   in `group_by`;
//! - a report without checks.
//!
//! [`Finding::error_kind`] tells a wrong key and a mistyped metric from data that is missing.
//!
//! Ratios, changes and single buckets add ways to have no number: see the
//! [table of decisions](guide::decisions).
//!
//! Every series has a [`Finding`], and the worst one decides. Critical beats Unknown, Unknown beats
//! Warning, and Warning beats Ok. A check that is certainly critical says so, whatever else is
//! unknown.
//!
//! A [`Quantifier`] requires several series to violate a threshold. If too few do, their findings
//! say so and are Ok.
//!
//! A query without `group_by` adds up all resources of its filter, so that one without data hides
//! behind the others. Group by `resource.<type>.id` and [expect](Check::expect_labels) each id.
//!
//! # Comparisons
//!
//! - [`Check::divide_by`] judges the ratio of two metrics, such as errors by records.
//! - [`Check::compare_to`] judges the change from an earlier window, such as yesterday.
//! - [`Check::datapoints`] judges single buckets, of which several must violate a threshold.
//! - [`Check::wait`] judges until the check is OK, such as after a deployment.
//!
//! # Points
//!
//! A bucket counts if it is [complete](crate::Interval): it ended at least the client's
//! [data latency] ago. Later buckets may still change and are ignored.
//!
//! A bucket in which nothing happened has no point, so gaps are fine. A series that stopped is
//! detected by the age of its last point: with [`Reduce::Last`] it must end at most two buckets
//! before the last complete one. [`Check::max_age`] sets another limit, also for the other
//! reductions. With [`Granularity::All`](crate::Granularity::All) there is one bucket, whose age is
//! not known.
//!
//! All times are measured with the clock of this machine. It is compared with the `Date` header of
//! the service's responses.
//!
//! [data latency]: crate::ClientBuilder::data_latency

mod attempts;
mod baseline;
mod batch;
mod change;
// `Check` is the main type of the folder.
#[allow(clippy::module_inception)]
mod check;
mod check_info;
mod comparisons;
mod datapoints;
mod entry;
mod entry_serialize;
mod entry_value;
mod evaluate;
mod findings;
mod format;
pub mod guide;
mod mismatch;
mod missing;
mod quantifier;
mod ratio;
mod reduce;
mod report;
mod report_traits;
mod run;
mod sparkline;
mod status;
mod text_serde;
mod threshold;
mod validate;
mod value;
mod wait;
mod wait_loop;
mod wait_state;
mod window;

pub use change::Change;
pub use check::Check;
pub use format::Format;
pub use missing::Missing;
pub use quantifier::Quantifier;
pub use reduce::Reduce;
pub use report::{Finding, Report};
pub use status::Status;
pub use threshold::Threshold;
pub use wait::Wait;
