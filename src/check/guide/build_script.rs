//! Checks in a build script: a `build.rs` that fails while a metric is not OK.
//!
//! Add `confluent-metrics` to the `[build-dependencies]`. The client is configured by the
//! environment: see [`Client::from_env`](crate::Client::from_env). With the variables that
//! `confluent-metrics-emulator` prints, the script works without a network.
//!
//! ```no_run
//! use confluent_metrics::check::{Check, Threshold};
//! use confluent_metrics::{Client, Error, Granularity, Interval, Query, Resource};
//!
//! fn main() -> Result<(), Error> {
//!     // This file never exists, so that cargo runs the script on every build.
//!     println!("cargo::rerun-if-changed=always-rerun");
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
//! The report is printed to standard error, which cargo shows if the script fails. `LAG` is the
//! summary that the program can read with `env!("LAG")`.
