use confluent_metrics::check::{Check, Report, Status, Threshold};
use confluent_metrics::{Client, Credentials, Error, Granularity, Interval, Query, Resource};
use confluent_metrics_emulator::Emulator;

const LAG: &str = "io.confluent.kafka.server/consumer_lag_offsets";

fn lag(client: &Client) -> Report {
    let query = Query::new(LAG, Granularity::OneMinute, Interval::last_minutes(10))
        .filter(Resource::kafka("lkc-1"))
        .group_by(["metric.consumer_group_id"]);
    Check::new(query)
        .critical(Threshold::above(10_000.0))
        .expect_labels("metric.consumer_group_id", ["indexer"])
        .run(client)
}

/// Asks whom the environment names: the service itself, or an emulator started by hand.
#[test]
fn nobody_is_behind() -> Result<(), Error> {
    let report = lag(&Client::from_env()?);
    assert_eq!(report.status(), Status::Ok, "{report}");
    Ok(())
}

/// Needs no network: the gate itself is tested.
#[test]
fn the_gate_fires() -> Result<(), Error> {
    let emulator = Emulator::builder().demo(false).start();
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    let client = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .build()?;
    let put = |value| {
        let labels = [("resource.kafka.id", "lkc-1"), ("metric.consumer_group_id", "indexer")];
        for minute in -15..15 {
            emulator.put(LAG, &labels, emulator.now() + minute * 60, value);
        }
    };
    assert_eq!(lag(&client).status(), Status::Unknown, "nobody says anything");
    put(9_000.0);
    assert_eq!(lag(&client).status(), Status::Ok);
    put(11_000.0);
    assert_eq!(lag(&client).status(), Status::Critical);
    Ok(())
}
