//! Recipes: checks that many pipelines need.
//!
//! Each runs as a test against an emulator of the service. `client` is a
//! [`Client`](crate::Client), such as that of [`Client::from_env`](crate::Client::from_env).
//!
//! # Block a deployment on consumer lag
//!
//! The group is expected by name, so that a group without data blocks the deployment, too.
//! Three of five minutes must be too high, so that one peak does not.
//!
//! ```
//! use confluent_metrics::check::{Check, Status, Threshold};
//! use confluent_metrics::{Granularity, Interval, Query, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! # for step in -100..15 {
//! #     let labels = [("resource.kafka.id", "lkc-1"), ("metric.consumer_group_id", "indexer")];
//! #     emulator.put("io.confluent.kafka.server/consumer_lag_offsets", &labels, emulator.now() + step * 60, 12.0);
//! # }
//!
//! let metric = "io.confluent.kafka.server/consumer_lag_offsets";
//! let lag = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
//!     .filter(Resource::kafka("lkc-1"))
//!     .group_by(["metric.consumer_group_id"]);
//! let report = Check::new(lag)
//!     .named("lag")
//!     .critical(Threshold::above(10_000.0))
//!     .datapoints(3, 5)
//!     .expect_labels("metric.consumer_group_id", ["indexer"])
//!     .run(&client);
//! assert_eq!(report.status(), Status::Ok, "{report}");
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Wait for the lag to drain after a deployment
//!
//! [`Wait::since`](crate::check::Wait::since) ignores the buckets from before and during the
//! deployment, which would pass. `deployed` is the time at which it ended.
//!
//! ```
//! use std::time::Duration;
//!
//! use confluent_metrics::check::{Check, Status, Threshold, Wait};
//! use confluent_metrics::{Granularity, Interval, Query, Resource, Timestamp};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! # for step in -100..15 {
//! #     let labels = [("resource.kafka.id", "lkc-1"), ("metric.consumer_group_id", "indexer")];
//! #     emulator.put("io.confluent.kafka.server/consumer_lag_offsets", &labels, emulator.now() + step * 60, 12.0);
//! # }
//! # let deployed = Timestamp::from_second(emulator.now() - 600)?;
//!
//! let metric = "io.confluent.kafka.server/consumer_lag_offsets";
//! let lag = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
//!     .filter(Resource::kafka("lkc-1"))
//!     .group_by(["metric.consumer_group_id"]);
//! let wait = Wait::up_to(Duration::from_secs(20 * 60)).since(deployed);
//! let report = Check::new(lag)
//!     .named("lag")
//!     .critical(Threshold::above(100.0))
//!     .expect_labels("metric.consumer_group_id", ["indexer"])
//!     .wait(&client, &wait);
//! assert_eq!(report.status(), Status::Ok, "{report}");
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Compare with yesterday
//!
//! ```
//! use std::time::Duration;
//!
//! use confluent_metrics::check::{Change, Check, Reduce, Status, Threshold};
//! use confluent_metrics::{Granularity, Interval, Query, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! # for step in -60*27..15 {
//! #     let labels = [("resource.kafka.id", "lkc-1")];
//! #     emulator.put("io.confluent.kafka.server/received_bytes", &labels, emulator.now() + step * 60, 12.0);
//! # }
//!
//! let metric = "io.confluent.kafka.server/received_bytes";
//! let traffic = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
//!     .filter(Resource::kafka("lkc-1"));
//! let report = Check::new(traffic)
//!     .named("traffic against yesterday")
//!     .reduce(Reduce::Sum)
//!     .min_coverage(0.9)
//!     .compare_to(Duration::from_secs(86_400), Change::Percent)
//!     .critical(Threshold::outside(-80.0, 400.0))
//!     .run(&client);
//! assert_eq!(report.status(), Status::Ok, "{report}");
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Error ratio of a connector
//!
//! A connector without errors may have no data for them, which
//! [`Missing::Ok`](crate::check::Missing::Ok) excuses. A second check makes sure that the connector
//! has received records.
//!
//! ```
//! use confluent_metrics::check::{Check, Missing, Reduce, Report, Status, Threshold};
//! use confluent_metrics::{Granularity, Interval, Query, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! # for step in -100..15 {
//! #     let labels = [("resource.connector.id", "lcc-1")];
//! #     emulator.put("io.confluent.kafka.connect/received_records", &labels, emulator.now() + step * 60, 200.0);
//! # }
//! # for step in -100..15 {
//! #     let labels = [("resource.connector.id", "lcc-1")];
//! #     emulator.put("io.confluent.kafka.connect/dead_letter_queue_records", &labels, emulator.now() + step * 60, 1.0);
//! # }
//!
//! let query = |metric| {
//!     Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
//!         .filter(Resource::connector("lcc-1"))
//! };
//! let records = query("io.confluent.kafka.connect/received_records");
//! let errors = query("io.confluent.kafka.connect/dead_letter_queue_records");
//! let ratio = Check::new(errors)
//!     .named("error ratio")
//!     .reduce(Reduce::Sum)
//!     .divide_by(records.clone())
//!     .critical(Threshold::above(0.01))
//!     .on_missing(Missing::Ok);
//! let alive = Check::new(records)
//!     .named("received records")
//!     .reduce(Reduce::Sum)
//!     .critical(Threshold::below(1.0));
//! let report: Report = [ratio.run(&client), alive.run(&client)].into_iter().collect();
//! assert_eq!(report.status(), Status::Ok, "{report}");
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Unused topics
//!
//! A topic that nobody reads has no series, so the expected topics are listed.
//!
//! ```
//! use confluent_metrics::check::{Check, Reduce, Status, Threshold};
//! use confluent_metrics::{Granularity, Interval, Query, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! # for step in -30..5 {
//! #     let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", "orders")];
//! #     emulator.put("io.confluent.kafka.server/sent_bytes", &labels, emulator.now() + step * 3600, 12.0);
//! # }
//!
//! let metric = "io.confluent.kafka.server/sent_bytes";
//! let read = Query::new(metric, Granularity::OneHour, Interval::last_days(1))
//!     .filter(Resource::kafka("lkc-1"))
//!     .group_by(["metric.topic"]);
//! let report = Check::new(read)
//!     .named("unused topics")
//!     .reduce(Reduce::Sum)
//!     .warning(Threshold::below(1.0))
//!     .expect_labels("metric.topic", ["orders", "payments"])
//!     .run(&client);
//! assert_eq!(report.status(), Status::Unknown);
//! assert_eq!(
//!     report.findings()[0].labels().get("metric.topic"),
//!     Some("payments")
//! );
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
//!
//! # Cluster load against its limit
//!
//! The load is a share from 0 to 1.
//!
//! ```
//! use confluent_metrics::check::{Check, Status, Threshold};
//! use confluent_metrics::{Granularity, Interval, Query, Resource};
//! # use confluent_metrics::{Client, Credentials};
//! # let emulator = confluent_metrics_emulator::Emulator::builder().demo(false).start();
//! # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
//! # let client = Client::builder(credentials)
//! #     .base_url(emulator.url())
//! #     .root_certificates_pem(emulator.ca_pem())
//! #     .build()?;
//! # for step in -100..15 {
//! #     let labels = [("resource.kafka.id", "lkc-1")];
//! #     emulator.put("io.confluent.kafka.server/cluster_load_percent", &labels, emulator.now() + step * 60, 0.3);
//! # }
//!
//! let metric = "io.confluent.kafka.server/cluster_load_percent";
//! let load = Query::new(metric, Granularity::FiveMinutes, Interval::last_hours(1))
//!     .filter(Resource::kafka("lkc-1"));
//! let report = Check::new(load)
//!     .named("cluster load")
//!     .warning(Threshold::above(0.7))
//!     .critical(Threshold::above(0.9))
//!     .datapoints(3, 6)
//!     .run(&client);
//! assert_eq!(report.status(), Status::Ok, "{report}");
//! # Ok::<(), confluent_metrics::Error>(())
//! ```
