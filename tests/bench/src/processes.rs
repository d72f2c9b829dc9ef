//! Processes from start to exit: a query of one hour by minute, and its latest value printed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use confluent_metrics::{Granularity, Query, Resource};
use confluent_metrics_bench::reach;
use confluent_metrics_emulator::Emulator;

use crate::decoding::times_of;
use crate::measure::{Contender, measure};
use crate::table::{Table, percent, time, times};

const PYTHON: &str = r#"
import base64, json, os, ssl, sys, urllib.request
key = os.environ["CONFLUENT_CLOUD_API_KEY"] + ":" + os.environ["CONFLUENT_CLOUD_API_SECRET"]
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {
    "Authorization": "Basic " + base64.b64encode(key.encode()).decode(), "Content-Type": "application/json"})
context = ssl.create_default_context(cafile=os.environ["CONFLUENT_METRICS_CA_FILE"])
print(json.load(urllib.request.urlopen(request, context=context))["data"][-1]["value"])
"#;

const OURS: &str = "program with this library";
const CURL: &str = "curl";

/// Times each process, and returns the time of ours relative to curl. A program that is not
/// installed is left out.
pub fn run() -> (Table, Option<f64>) {
    let emulator = Emulator::start();
    let authority = std::env::temp_dir().join(format!(
        "confluent-metrics-bench-{}.pem",
        std::process::id()
    ));
    std::fs::write(&authority, emulator.ca_pem()).expect("a file for the certificate");
    let client = reach(&emulator).build().expect("a client");
    let body = client.request_bodies(&query()).expect("a body").remove(0);
    let url = format!("{}/v2/metrics/cloud/query", emulator.url());
    let start = |program: PathBuf, arguments: Vec<String>| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
            .env("CONFLUENT_METRICS_BASE_URL", emulator.url())
            .env("CONFLUENT_METRICS_CA_FILE", &authority);
        command.env("CONFLUENT_CLOUD_API_KEY", emulator.api_key());
        command.env("CONFLUENT_CLOUD_API_SECRET", emulator.api_secret());
        for proxy in [
            "ALL_PROXY",
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "all_proxy",
            "https_proxy",
            "http_proxy",
        ] {
            command.env_remove(proxy);
        }
        command.status().is_ok_and(|status| status.success())
    };
    let own = std::env::current_exe().expect("a path");
    let key = format!("{}:{}", emulator.api_key(), emulator.api_secret());
    let curl = [
        "-s",
        "--fail",
        "--cacert",
        &authority.to_string_lossy(),
        "-u",
        &key,
        "--json",
        &body,
        &url,
    ];
    let all: [(&str, PathBuf, Vec<String>); 3] = [
        (OURS, own, vec!["once".into()]),
        (CURL, "curl".into(), curl.map(str::to_owned).to_vec()),
        (
            "Python's standard library",
            "python3".into(),
            vec!["-c".into(), PYTHON.into(), url.clone(), body.clone()],
        ),
    ];
    let there: Vec<_> = all
        .into_iter()
        .filter(|(_, program, arguments)| start(program.clone(), arguments.clone()))
        .collect();
    assert!(
        there.first().is_some_and(|(name, ..)| *name == OURS),
        "our own program failed"
    );
    let start = &start;
    let contenders: Vec<_> = there
        .iter()
        .map(|(name, program, arguments)| Contender {
            name,
            run: Box::new(move || {
                assert!(start(program.clone(), arguments.clone()), "{name} failed")
            }),
        })
        .collect();
    let measured = measure(&contenders);
    let mut table = Table::new(&["process", "", "median", "spread", "ratio to this library"]);
    for (contender, taken) in contenders.iter().zip(&measured) {
        table.row(vec![
            contender.name.to_owned(),
            String::new(),
            time(taken.median()),
            percent(taken.spread()),
            times(times_of(taken) / times_of(&measured[0])),
        ]);
    }
    let _ = std::fs::remove_file(&authority);
    let curl = contenders.iter().position(|one| one.name == CURL);
    let ratio = curl.map(|place| times_of(&measured[0]) / times_of(&measured[place]));
    (table, ratio)
}

fn query() -> Query {
    let last = confluent_metrics::Interval::last_hours(1);
    Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        last,
    )
    .filter(Resource::kafka("lkc-1"))
}
