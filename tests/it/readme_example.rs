use confluent_metrics::{Client, Credentials, Error, Granularity, Interval, Query, Resource};
use confluent_metrics_emulator::{Emulator, Fault};

#[test]
fn every_topic_has_a_name() -> Result<(), Error> {
    let emulator = Emulator::start();
    let client = Client::builder(Credentials::api_key(
        emulator.api_key(),
        emulator.api_secret(),
    )?)
    .base_url(emulator.url())
    .root_certificates_pem(emulator.ca_pem())
    .without_proxy()
    .build()?;
    // The first request fails with 503 and is retried.
    emulator.fault(Fault::status(503));
    let metric = "io.confluent.kafka.server/sent_bytes";
    let query = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.topic"]);
    let result = client.query(&query)?;
    assert!(!result.series().is_empty());
    assert!(
        result
            .series()
            .iter()
            .all(|series| series.labels().get("metric.topic").is_some())
    );
    assert_eq!(emulator.requests().len(), 2);
    Ok(())
}
