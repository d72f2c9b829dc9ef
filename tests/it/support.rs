use std::time::Duration;

use confluent_metrics::{
    Client, ClientBuilder, Credentials, Granularity, Interval, Query, Resource, Series,
};
use confluent_metrics_emulator::Emulator;

pub(crate) const SENT: &str = "io.confluent.kafka.server/sent_bytes";
pub(crate) const RETAINED: &str = "io.confluent.kafka.server/retained_bytes";

/// 2026-01-08T12:00:00Z, at which the emulators of these tests stand still.
pub(crate) const NOON: i64 = 1_767_873_600;

/// A delay that outlasts every test. An emulator that is dropped ends it.
pub(crate) const FOREVER: Duration = Duration::from_secs(3600);

/// An upper bound on what should take no time. Only a call that hangs exceeds it, however busy the
/// machine is.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// An emulator that stands still and holds nothing but what a test puts in.
///
/// It sends no `Date`, since its clock is not this machine's.
pub(crate) fn empty_emulator() -> Emulator {
    Emulator::builder()
        .clock(NOON)
        .without_date()
        .demo(false)
        .start()
}

/// A builder of a client that reaches the emulator, whose points are of any age.
pub(crate) fn builder(emulator: &Emulator) -> ClientBuilder {
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
    builder_as(emulator, credentials)
}

pub(crate) fn builder_as(emulator: &Emulator, credentials: Credentials) -> ClientBuilder {
    Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy()
        .retention(Duration::MAX)
}

/// A client that sends every request once.
pub(crate) fn client_without_retries(emulator: &Emulator) -> Client {
    builder(emulator).max_retries(0).build().unwrap()
}

pub(crate) fn client(emulator: &Emulator) -> Client {
    builder(emulator).build().unwrap()
}

/// The hour before noon of the fixed clock, in the given text form of its parts.
pub(crate) fn interval(text: &str) -> Interval {
    text.parse().unwrap()
}

/// Sent bytes of `lkc-1` by topic, by the minute, over the hour from 11:00 on.
pub(crate) fn by_topic() -> Query {
    whole_cluster().group_by(["metric.topic"])
}

/// Sent bytes of `lkc-1`, by the minute, over the hour from 11:00 on.
pub(crate) fn whole_cluster() -> Query {
    Query::new(
        SENT,
        Granularity::OneMinute,
        interval("2026-01-08T11:00:00Z/PT1H"),
    )
    .filter(Resource::kafka("lkc-1"))
}

/// Puts a point of sent bytes of `lkc-1` into a minute after 11:00.
pub(crate) fn put_point(emulator: &Emulator, topic: &str, minute: i64, value: f64) {
    let labels = [
        ("resource.kafka.id", "lkc-1"),
        ("metric.topic", topic),
        ("metric.partition", "0"),
    ];
    emulator.put(SENT, &labels, NOON - 3600 + minute * 60, value);
}

/// `topic` and its points as `minute=value`, the minutes after 11:00.
pub(crate) fn render_series(series: &Series) -> String {
    let points = series.points().iter().map(|point| {
        let minute = (point.timestamp.as_second() - (NOON - 3600)) as f64 / 60.0;
        format!(" {minute}={}", point.value)
    });
    let topic = series.labels().get("metric.topic").unwrap_or("-");
    std::iter::once(topic.to_owned()).chain(points).collect()
}

pub(crate) fn render_all<'a>(series: impl IntoIterator<Item = &'a Series>) -> Vec<String> {
    series.into_iter().map(render_series).collect()
}
