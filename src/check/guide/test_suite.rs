//! Checks in a test suite: a test of the service, and a test of the check itself.
//!
//! Add `confluent-metrics` and `confluent-metrics-emulator` to the `[dev-dependencies]`. The first
//! test fails while the metric is not OK. The second one needs no network: it puts data into an
//! emulator and makes sure that the check would fail.
//!
//! The first test is ignored without a key. The build script sets the condition `has_key`, as in
//! [the other guide](crate::check::guide::build_script). Without a build script, a plain `#[ignore]`
//! keeps it from running unless it is asked for:
//!
//! ```text
//! #[test]
//! #[ignore = "needs CONFLUENT_CLOUD_API_KEY"]
//! fn lag_is_ok() -> Result<(), Error> {
//! ```
//!
//! `cargo test -- --ignored` runs it with the key of the environment. Next to a clone of the
//! repository, this runs it with an emulator:
//!
//! ```sh
//! cargo run --manifest-path ../confluent-metrics/Cargo.toml -p confluent-metrics-emulator -- \
//!   cargo test -- --ignored
//! ```
//!
//! ```no_run
//! use confluent_metrics::check::{Check, Report, Status, Threshold};
//! use confluent_metrics::{
//!     Client, Credentials, Error, Filter, Granularity, Interval, Query, Resource,
//! };
//! use confluent_metrics_emulator::Emulator;
//!
//! const LAG: &str = "io.confluent.kafka.server/consumer_lag_offsets";
//! const GROUP: &str = "metric.consumer_group_id";
//!
//! fn check_lag(client: &Client) -> Report {
//!     let query = Query::new(LAG, Granularity::OneMinute, Interval::last_minutes(10))
//!         .filter(Resource::kafka("lkc-1"))
//!         .filter(Filter::eq(GROUP, "indexer"))
//!         .group_by([GROUP]);
//!     Check::new(query)
//!         .critical(Threshold::above(10_000.0))
//!         .expect_labels(GROUP, ["indexer"])
//!         .run(client)
//! }
//!
//! /// Connects to the service, or to an emulator if the environment is configured for one.
//! #[test]
//! #[cfg_attr(not(has_key), ignore = "needs CONFLUENT_CLOUD_API_KEY")]
//! fn lag_is_ok() -> Result<(), Error> {
//!     let report = check_lag(&Client::from_env()?);
//!     assert_eq!(report.status(), Status::Ok, "{report}");
//!     Ok(())
//! }
//!
//! /// Needs no network.
//! #[test]
//! fn the_check_detects_lag_and_missing_data() -> Result<(), Error> {
//!     let emulator = Emulator::builder().demo(false).start();
//!     let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//!     let client = Client::builder(credentials)
//!         .base_url(emulator.url())
//!         .root_certificates_pem(emulator.ca_pem())
//!         .without_proxy()
//!         .build()?;
//!     assert_eq!(check_lag(&client).status(), Status::Unknown, "no data");
//!     put_lag(&emulator, 9_000.0);
//!     assert_eq!(check_lag(&client).status(), Status::Ok);
//!     put_lag(&emulator, 11_000.0);
//!     assert_eq!(check_lag(&client).status(), Status::Critical);
//!     Ok(())
//! }
//!
//! fn put_lag(emulator: &Emulator, lag: f64) {
//!     let labels = [("resource.kafka.id", "lkc-1"), (GROUP, "indexer")];
//!     for minute in -15..15 {
//!         emulator.put(LAG, &labels, emulator.now() + minute * 60, lag);
//!     }
//! }
//! ```
