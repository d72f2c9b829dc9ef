use std::env;

use confluent_metrics::check::{Check, Threshold};
use confluent_metrics::{Client, Error, Filter, Granularity, Interval, Query, Resource};

const GROUP: &str = "metric.consumer_group_id";

fn main() -> Result<(), Error> {
    // Tests that need a key are ignored if there is none.
    println!("cargo::rerun-if-env-changed=CONFLUENT_CLOUD_API_KEY");
    println!("cargo::rustc-check-cfg=cfg(has_key)");
    if env::var_os("CONFLUENT_CLOUD_API_KEY").is_some() {
        println!("cargo::rustc-cfg=has_key");
    }
    // An IDE runs build scripts, too: check the lag only if the environment asks for it.
    println!("cargo::rerun-if-env-changed=CHECK_LAG");
    if env::var_os("CHECK_LAG").is_none() {
        println!("cargo::rustc-env=LAG=not checked");
        return Ok(());
    }
    // This file never exists, so that cargo runs the script on every build.
    println!("cargo::rerun-if-changed=always-rerun");
    let metric = "io.confluent.kafka.server/consumer_lag_offsets";
    let query = Query::new(metric, Granularity::OneMinute, Interval::last_minutes(10))
        .filter(Resource::kafka("lkc-1"))
        .filter(Filter::eq(GROUP, "indexer"))
        .group_by([GROUP]);
    let report = Check::new(query)
        .named("lag of the indexer")
        .critical(Threshold::above(10_000.0))
        .expect_labels(GROUP, ["indexer"])
        .run(&Client::from_env()?);
    eprintln!("{report}");
    println!("cargo::rustc-env=LAG={}", report.summary());
    std::process::exit(report.exit_code().into());
}
