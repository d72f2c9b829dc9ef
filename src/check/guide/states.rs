//! Checks of metrics that have a series for each state, such as the status of a connector.
//!
//! `connector_status` has a series for each connector and `metric.status`. Its value is 1 if the
//! connector is in that state. The series of other states are 0 or do not exist. Two checks cover
//! that: no connector has failed, and every connector is running. Their reports are merged.
//!
//! ```
//! use confluent_metrics::check::{Check, Missing, Reduce, Report, Threshold};
//! use confluent_metrics::{Client, Filter, Granularity, Interval, Query};
//! # use confluent_metrics::Credentials;
//! # use confluent_metrics::check::Status;
//! # use confluent_metrics_emulator::Emulator;
//!
//! const STATUS: &str = "io.confluent.kafka.connect/connector_status";
//! const CONNECTORS: [&str; 2] = ["lcc-1", "lcc-2"];
//!
//! fn query(status: &str) -> Query {
//!     Query::new(STATUS, Granularity::OneMinute, Interval::last_minutes(10))
//!         .filter(Filter::one_of("resource.connector.id", CONNECTORS))
//!         .filter(Filter::eq("metric.status", status))
//!         .group_by(["resource.connector.id"])
//! }
//!
//! fn check_connectors(client: &Client) -> Report {
//!     let failed = Check::new(query("FAILED"))
//!         .named("failed connectors")
//!         .reduce(Reduce::Max)
//!         .critical(Threshold::above(0.0))
//!         .on_missing(Missing::Ok);
//!     let running = Check::new(query("RUNNING"))
//!         .named("running connectors")
//!         .critical(Threshold::below(1.0))
//!         .expect_labels("resource.connector.id", CONNECTORS);
//!     [failed.run(client), running.run(client)].into_iter().collect()
//! }
//! #
//! # fn put(emulator: &Emulator, connector: &str, status: &str, value: f64) {
//! #     let labels = [("resource.connector.id", connector), ("metric.status", status)];
//! #     for minute in -15..15 {
//! #         emulator.put(STATUS, &labels, emulator.now() + minute * 60, value);
//! #     }
//! # }
//! #
//! # let emulator = Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! # put(&emulator, "lcc-1", "RUNNING", 1.0);
//! # put(&emulator, "lcc-2", "RUNNING", 1.0);
//! # assert_eq!(check_connectors(&client).status(), Status::Ok);
//! # put(&emulator, "lcc-2", "FAILED", 0.0);
//! # assert_eq!(check_connectors(&client).status(), Status::Ok);
//! # put(&emulator, "lcc-2", "FAILED", 1.0);
//! # assert_eq!(check_connectors(&client).status(), Status::Critical);
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Failed tasks
//!
//! `connector_task_status` also has the label `metric.task`. The finding names the task that failed:
//!
//! ```
//! use confluent_metrics::check::{Check, Missing, Reduce, Threshold};
//! use confluent_metrics::{Filter, Granularity, Interval, Query, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//!
//! let metric = "io.confluent.kafka.connect/connector_task_status";
//! let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
//!     .filter(Resource::connector("lcc-1"))
//!     .filter(Filter::eq("metric.status", "FAILED"))
//!     .group_by(["metric.task"]);
//! let report = Check::new(query)
//!     .named("failed tasks of lcc-1")
//!     .reduce(Reduce::Max)
//!     .critical(Threshold::above(0.0))
//!     .on_missing(Missing::Ok)
//!     .run(&client);
//! # assert_eq!(report.status(), confluent_metrics::check::Status::Ok, "{report}");
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Missing series
//!
//! A connector without any series is Unknown. So is one that stopped running without having failed,
//! as soon as its last point is too old. [`Client::attributes`](crate::Client::attributes) lists
//! the states that have occurred.
