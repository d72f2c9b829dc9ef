//! Checks in a build script: a `build.rs` that fails while a metric is not OK.
//!
//! Add `confluent-metrics` to the `[build-dependencies]`. The client is configured by the
//! environment: see [`Client::from_env`](crate::Client::from_env). With the variables that
//! `confluent-metrics-emulator` prints, the script works without a network.
//!
//! ```no_run
//! use std::env;
//!
//! use confluent_metrics::check::{Check, Threshold};
//! use confluent_metrics::{Client, Error, Filter, Granularity, Interval, Query, Resource};
//!
//! const GROUP: &str = "metric.consumer_group_id";
//!
//! fn main() -> Result<(), Error> {
//!     // Tests that need a key are ignored if there is none.
//!     println!("cargo::rerun-if-env-changed=CONFLUENT_CLOUD_API_KEY");
//!     println!("cargo::rustc-check-cfg=cfg(has_key)");
//!     if env::var_os("CONFLUENT_CLOUD_API_KEY").is_some() {
//!         println!("cargo::rustc-cfg=has_key");
//!     }
//!     // An IDE runs build scripts, too: check the lag only if the environment asks for it.
//!     println!("cargo::rerun-if-env-changed=CHECK_LAG");
//!     if env::var_os("CHECK_LAG").is_none() {
//!         println!("cargo::rustc-env=LAG=not checked");
//!         return Ok(());
//!     }
//!     // This file never exists, so that cargo runs the script on every build.
//!     println!("cargo::rerun-if-changed=always-rerun");
//!     let metric = "io.confluent.kafka.server/consumer_lag_offsets";
//!     let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
//!         .filter(Resource::kafka("lkc-1"))
//!         .filter(Filter::eq(GROUP, "indexer"))
//!         .group_by([GROUP]);
//!     let report = Check::new(query)
//!         .named("lag of the indexer")
//!         .critical(Threshold::above(10_000.0))
//!         .expect_labels(GROUP, ["indexer"])
//!         .run(&Client::from_env()?);
//!     eprintln!("{report}");
//!     println!("cargo::rustc-env=LAG={}", report.summary());
//!     std::process::exit(report.exit_code().into());
//! }
//! ```
//!
//! `CHECK_LAG=1 cargo build` checks the lag. Any other build does not, so that an editor that runs
//! build scripts is not blocked by a metric.
//!
//! # How old the result may be
//!
//! Cargo runs a script again only if a file or variable that the script names has changed:
//!
//! - A file that never exists, as above, runs the script on every build. The package is then
//!   compiled on every build as well.
//! - A variable with the id of the CI job runs it once for each job:
//!   `cargo::rerun-if-env-changed=CI_JOB_ID`.
//! - With neither, the result is as old as the latest change of the sources, and cargo repeats the
//!   warnings of that time. Print [`Timestamp::now`](crate::Timestamp::now) with them.
//!
//! Never name the secret or a token in `rerun-if-env-changed`: cargo writes the values of these
//! variables to the `target` folder.
//!
//! # Builds that do not wait
//!
//! A call may take five minutes by default. In a build, set a shorter
//! [`deadline`](crate::ClientBuilder::deadline), with
//! [`Client::builder_from_env`](crate::Client::builder_from_env). To stop only release builds,
//! look at the variable `PROFILE`, and print `cargo::warning=` lines in others. `cargo::error=`
//! fails the build with a message of one line instead of the output of the script.
//!
//! # Output
//!
//! The report is printed to standard error, which cargo shows if the script fails. `LAG` is the
//! summary that the program can read with `env!("LAG")`.
