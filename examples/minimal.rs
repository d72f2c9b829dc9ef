//! Prints how many bytes each topic of a cluster received in its latest hour with data.

use confluent_metrics::{Client, Granularity, Interval, Query, Resource};

fn main() -> Result<(), confluent_metrics::Error> {
    let metric = "io.confluent.kafka.server/received_bytes";
    let query = Query::new(metric, Granularity::OneHour, Interval::last_hours(6))
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"]);
    for series in Client::from_env()?.query(&query)? {
        let labels = series.labels();
        if let Some(point) = series.last() {
            println!("{} {:>10} {labels}", point.timestamp, point.value);
        }
    }
    Ok(())
}
