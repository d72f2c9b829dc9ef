//! A query over TLS on a kept connection, compared with bare HTTP packages.

use std::hint::black_box;

use confluent_metrics::{Granularity, Query, QueryResult, Resource};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::{Emulator, Fault};
use serde_json::Value;

use crate::decoding::{size, times_of};
use crate::documents::{Format, Shape, Values};
use crate::measure::{Contender, measure};
use crate::table::{Table, percent, time, times};

pub const OURS: &str = "Client::query";
pub const BARE: &str = "ureq and serde_json::Value";

const SMALL: Shape = Shape {
    format: Format::Flat,
    values: Values::Mixed,
    groups: 1,
    points: 60,
    labels: 0,
};
const LARGE: Shape = Shape {
    format: Format::Grouped,
    values: Values::Mixed,
    groups: 1000,
    points: 360,
    labels: 1,
};

/// Returns the table, and the time of a small query relative to bare ureq.
pub fn run() -> (Table, f64) {
    let mut table = Table::new(&[
        "response",
        "client",
        "size",
        "median",
        "spread",
        "ratio to this library",
    ]);
    let small = add(&mut table, SMALL);
    add(&mut table, LARGE);
    (table, small)
}

fn add(table: &mut Table, shape: Shape) -> f64 {
    let bytes = shape.bytes();
    let emulator = Emulator::builder().gzip(false).start();
    emulator.fault(Fault::status(200).body(bytes.clone()).times(usize::MAX));
    let query = query(shape.format);
    let client = reach(&emulator).build().expect("a client");
    let body = client.request_bodies(&query).expect("a body").remove(0);
    let url = format!("{}/v2/metrics/cloud/query", emulator.url());
    let bearer = format!("Bearer {}", emulator.bearer_token());
    let (agent, reqwest) = (agent(&emulator), reqwest(&emulator));
    let ours = || {
        let result: QueryResult = client.query(&query).expect("a response");
        drop(black_box(result));
    };
    let bare = || {
        let request = agent
            .post(&url)
            .header("Authorization", &bearer)
            .header("Content-Type", "application/json");
        let mut response = request.send(&body).expect("a response");
        let bytes = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .expect("a complete response");
        drop(black_box(
            serde_json::from_slice::<Value>(&bytes).expect("JSON"),
        ));
    };
    let other = || {
        let request = reqwest
            .post(&url)
            .header("Authorization", &bearer)
            .header("Content-Type", "application/json");
        let bytes = request
            .body(body.clone())
            .send()
            .and_then(|response| response.bytes())
            .expect("a response");
        drop(black_box(
            serde_json::from_slice::<Value>(&bytes).expect("JSON"),
        ));
    };
    let contenders = [
        Contender {
            name: OURS,
            run: Box::new(ours),
        },
        Contender {
            name: BARE,
            run: Box::new(bare),
        },
        Contender {
            name: "reqwest, blocking, and serde_json::Value",
            run: Box::new(other),
        },
    ];
    let measured = measure(&contenders);
    let own = times_of(&measured[0]);
    for (contender, taken) in contenders.iter().zip(&measured) {
        table.row(vec![
            shape.name(),
            contender.name.to_owned(),
            size(bytes.len()),
            time(taken.median()),
            percent(taken.spread()),
            times(times_of(taken) / own),
        ]);
    }
    own / times_of(&measured[1])
}

/// The query whose response is as good as any of this shape.
fn query(format: Format) -> Query {
    let interval = "2026-01-01T00:00:00Z/PT6H".parse().expect("an interval");
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        interval,
    )
    .filter(Resource::kafka("lkc-1"));
    match format {
        Format::Flat => query,
        Format::Grouped => query.group_by(["metric.topic"]),
    }
}

fn agent(emulator: &Emulator) -> ureq::Agent {
    let authority = ureq::tls::Certificate::from_pem(emulator.ca_pem().as_bytes())
        .expect("PEM")
        .to_owned();
    let roots = ureq::tls::RootCerts::new_with_certs(&[authority]);
    let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
    ureq::Agent::config_builder()
        .proxy(None)
        .tls_config(tls)
        .build()
        .new_agent()
}

fn reqwest(emulator: &Emulator) -> reqwest::blocking::Client {
    let authority = reqwest::Certificate::from_pem(emulator.ca_pem().as_bytes()).expect("PEM");
    let builder = reqwest::blocking::Client::builder()
        .no_proxy()
        .use_rustls_tls();
    builder
        .add_root_certificate(authority)
        .build()
        .expect("a client")
}
