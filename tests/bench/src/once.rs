//! A minimal program: queries the last hour by minute and prints the latest value.

use confluent_metrics::{Client, Error, Granularity, Interval, Query, Resource};

pub fn run() -> Result<(), Error> {
    let metric = "io.confluent.kafka.server/sent_bytes";
    let query = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
        .filter(Resource::kafka("lkc-1"));
    for series in Client::from_env()?.query(&query)? {
        println!("{:?}", series.last());
    }
    Ok(())
}
