//! The recipes that forward events to the crates `log` and `tracing`, as they are documented.

#[path = "recipes/log.rs"]
#[expect(unreachable_pub, reason = "programs copy the function")]
mod log_recipe;
#[path = "recipes/tracing.rs"]
#[expect(unreachable_pub, reason = "programs copy the function")]
mod tracing_recipe;

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confluent_metrics::{Client, ClientBuilder, Credentials, Granularity, Interval};
use confluent_metrics::{Query, Resource};
use confluent_metrics_emulator::{Emulator, Fault};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

use log_recipe::log_event;
use tracing_recipe::trace_event;

const GUIDE: &str = include_str!("../../../src/_documentation/events.md");

/// The lines of the crate `log`, which has one logger for the process.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target() == "confluent_metrics"
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {}", record.level(), record.args());
            LINES.lock().unwrap().push(line);
        }
    }

    fn flush(&self) {}
}

/// Collects events of the crate `tracing` as their level and their fields.
#[derive(Clone, Default)]
struct Collector {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().ends_with("tracing_recipe")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

/// Runs a query that is retried once and then waits for a rate limit.
fn run_query(set: impl FnOnce(ClientBuilder) -> ClientBuilder) {
    let emulator = Emulator::builder()
        .rate_limit(1)
        .rate_window(Duration::from_secs(3))
        .start();
    let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret()).unwrap();
    let builder = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem())
        .without_proxy();
    let client = set(builder).build().unwrap();
    let metric = "io.confluent.kafka.server/sent_bytes";
    let query = Query::new(metric, Granularity::OneMinute, Interval::last_hours(1))
        .filter(Resource::kafka("lkc-1"));
    emulator.fault(Fault::status(503));
    client.query(&query).unwrap();
    client.query(&query).unwrap();
}

/// Checks that the lines have these starts and contain these parts, in order.
fn assert_lines(lines: &[String], expected: &[(&str, &str)]) {
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, (start, part)) in lines.iter().zip(expected) {
        assert!(line.starts_with(start), "{line:?} starts with {start:?}");
        assert!(line.contains(part), "{line:?} contains {part:?}");
    }
}

#[test]
fn events_are_forwarded_to_log() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    run_query(|builder| builder.on_event(log_event));
    assert_lines(
        &LINES.lock().unwrap(),
        &[
            ("DEBUG request 1 (query of ", "): sent"),
            ("DEBUG request 1 (query of ", "): received 503, "),
            ("WARN request 1 (query of ", "): attempt 2 starts in "),
            ("DEBUG request 1 (query of ", "): sent"),
            ("DEBUG request 1 (query of ", "): received 200, "),
            (
                "DEBUG request 1 (query of ",
                "): 1 of 1 windows done (1 page, ",
            ),
            ("WARN request 2 (query of ", " for a rate limit"),
            ("DEBUG request 2 (query of ", "): sent"),
            ("DEBUG request 2 (query of ", "): received 200, "),
            (
                "DEBUG request 2 (query of ",
                "): 1 of 1 windows done (1 page, ",
            ),
        ],
    );
}

#[test]
fn events_are_forwarded_to_tracing() {
    let collector = Collector::default();
    tracing::subscriber::with_default(collector.clone(), || {
        run_query(|builder| builder.on_event(trace_event));
    });
    assert_lines(
        &collector.lines.lock().unwrap(),
        &[
            (
                "DEBUG message=request 1 (query of ",
                r#"operation="query" request=1"#,
            ),
            (
                "DEBUG message=response received",
                "request=1 status=503 bytes=",
            ),
            (
                "WARN message=retrying",
                r#"reason="the service returned 503"#,
            ),
            ("DEBUG message=request 1 (query of ", "request=1"),
            (
                "DEBUG message=response received",
                "request=1 status=200 bytes=",
            ),
            ("INFO message=1 of 1 windows done (1 page, ", "request=1"),
            ("WARN message=waiting for a rate limit", "request=2 wait="),
            ("DEBUG message=request 2 (query of ", "request=2"),
            (
                "DEBUG message=response received",
                "request=2 status=200 bytes=",
            ),
            ("INFO message=1 of 1 windows done (1 page, ", "request=2"),
        ],
    );
}

#[test]
fn the_documented_recipes_are_those_that_are_tested() {
    for recipe in [
        include_str!("recipes/log.rs"),
        include_str!("recipes/tracing.rs"),
    ] {
        let block = format!("```ignore\n{recipe}```\n");
        assert!(GUIDE.contains(&block), "the guide lacks:\n{recipe}");
    }
}
