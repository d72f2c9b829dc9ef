//! The command line of the binary.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::catalogue;
use crate::certificate::Certificate;
use crate::emulator::{Builder, Emulator};
use crate::exposition::ExportDialect;
use crate::format::rfc3339;
use crate::rate_limiter::RateHeaders;
use crate::route;

const USAGE: &str = "\
Serves the Confluent Cloud Metrics API on loopback, with the data of a demo organisation.

Usage: confluent-metrics-emulator [OPTION]...

  --port N             port on 127.0.0.1 (default: any that is free)
  --clock TIME         stop the clock at an RFC 3339 time, such as 2026-01-01T12:00:00Z
  --date-offset S      the Date header is S seconds off the clock (default: 0)
  --no-date            no Date header
  --no-demo            no demo data
  --topics N           add the Kafka cluster lkc-big with N topics
  --kafka ID           add a Kafka cluster of this id; may be repeated
  --page-cap N         at most N groups, rows or descriptors in a page
  --token-lifetime S   page tokens expire after S seconds (default: 300)
  --rate-limit N       allow N requests in a window (default: any number)
  --rate-window S      length of the window in whole seconds (default: 60)
  --operation-limit O=N
                       allow N requests for the operation O, such as query=5, in a
                       window; may be repeated
  --export-limit N     allow a caller N exports of a resource in a window (default:
                       any number)
  --export-window S    length of that window in whole seconds (default: 3600)
  --rate-headers FORM  tell the limits in repeated lines (default: repeated), in one
                       line (joined), or not at all (none)
  --retry-after        send Retry-After with 429
  --export-form FORM   write exports as they should be (default: correct), as the service
                       was recorded (recorded), or with the documents' faults
                       (documented)
  --export-cap N       at most N points of a metric and resource type in an export
                       (default: 60000)
  --failing-export METRIC
                       make a metric fail in exports; may be repeated
  --discovery-target HOST
                       host and port that discovery tells to scrape (default: its own)
  --certificate KIND   good (default), wrong-host, expired, not-yet-valid, self-signed
                       or unknown-authority
  --tls12-only         no TLS 1.3
  --no-gzip            never compress answers
  --integers           print whole values as 12 instead of 12.0
  --millis             print times with milliseconds
  --newest-first       newest points first
  --always-meta        meta in every answer to a query
  --links-only         next pages as links only, without tokens
  --unprocessable      422 instead of 400 for invalid bodies
  --closed-descriptors descriptors need credentials
  --verbose            a line on standard error for every request
  --help               print this and exit

Prints what a shell needs to use it, then serves until it is interrupted (Ctrl-C).
";

/// Runs the binary with the arguments after its name.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let builder = match parse(arguments) {
        Ok(Some(builder)) => builder,
        Ok(None) => return ended(io::stdout().write_all(USAGE.as_bytes())),
        Err(fault) => {
            eprintln!("confluent-metrics-emulator: {fault}; --help lists the options");
            return ExitCode::from(2);
        }
    };
    let emulator = match builder.try_start() {
        Ok(emulator) => emulator,
        Err(error) => {
            eprintln!("confluent-metrics-emulator: can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let announced = authority_file(&emulator).and_then(|file| {
        let mut out = io::stdout();
        out.write_all(announcement(&emulator, &file.to_string_lossy()).as_bytes())?;
        out.flush()
    });
    if announced.is_err() {
        return ended(announced);
    }
    loop {
        std::thread::park();
    }
}

fn ended(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("confluent-metrics-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The emulator that is asked for, or nothing when it is help that is asked for.
fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Builder>, String> {
    let mut builder = Emulator::builder();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let (name, given) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if let Some(switched) = switch(builder.clone(), name) {
            if given.is_some() {
                return Err(format!("{name} takes no value"));
            }
            builder = switched;
            continue;
        }
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        if !VALUED.contains(&name) {
            return Err(format!("unknown option '{argument}'"));
        }
        let value = given
            .or_else(|| arguments.next())
            .ok_or_else(|| format!("{name} needs a value"))?;
        let name = name.to_owned();
        builder =
            option(builder, &name, &value).ok_or_else(|| format!("{name} can't be '{value}'"))?;
    }
    Ok(Some(builder))
}

fn switch(builder: Builder, name: &str) -> Option<Builder> {
    Some(match name {
        "--no-demo" => builder.demo(false),
        "--no-date" => builder.without_date(),
        "--no-gzip" => builder.gzip(false),
        "--integers" => builder.integers(true),
        "--millis" => builder.millis(true),
        "--newest-first" => builder.newest_first(true),
        "--always-meta" => builder.always_meta(true),
        "--links-only" => builder.links_only(true),
        "--unprocessable" => builder.unprocessable(true),
        "--retry-after" => builder.retry_after(true),
        "--closed-descriptors" => builder.closed_descriptors(true),
        "--tls12-only" => builder.tls12_only(true),
        "--verbose" => builder.verbose(true),
        _ => return None,
    })
}

const VALUED: [&str; 18] = [
    "--port",
    "--clock",
    "--date-offset",
    "--topics",
    "--kafka",
    "--page-cap",
    "--token-lifetime",
    "--rate-limit",
    "--rate-window",
    "--operation-limit",
    "--export-limit",
    "--export-window",
    "--rate-headers",
    "--export-form",
    "--export-cap",
    "--failing-export",
    "--discovery-target",
    "--certificate",
];

fn option(builder: Builder, name: &str, value: &str) -> Option<Builder> {
    let seconds = || {
        let seconds = value.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    Some(match name {
        "--port" => builder.port(value.parse().ok()?),
        "--clock" => builder.clock(rfc3339::parse(value)?.div_euclid(1_000)),
        "--date-offset" => builder.date_offset(value.parse().ok()?),
        "--topics" => builder.topics(value.parse().ok()?),
        "--kafka" => builder.kafka_cluster(value),
        "--page-cap" => builder.page_cap(value.parse().ok()?),
        "--token-lifetime" => builder.token_lifetime(seconds()?),
        "--rate-limit" => builder.rate_limit(value.parse().ok()?),
        "--rate-window" => builder.rate_window(seconds()?),
        "--operation-limit" => {
            let (operation, limit) = value
                .split_once('=')
                .filter(|(name, _)| route::is_operation(name))?;
            builder.operation_limit(operation, limit.parse().ok()?)
        }
        "--export-limit" => builder.export_limit(value.parse().ok()?),
        "--export-window" => builder.export_window(seconds()?),
        "--rate-headers" => builder.rate_headers(match value {
            "repeated" => RateHeaders::Repeated,
            "joined" => RateHeaders::Joined,
            "none" => RateHeaders::None,
            _ => return None,
        }),
        "--export-form" => builder.export_form(match value {
            "correct" => ExportDialect::Standard,
            "recorded" => ExportDialect::Recorded,
            "documented" => ExportDialect::Documented,
            _ => return None,
        }),
        "--export-cap" => builder.export_cap(value.parse().ok()?),
        "--failing-export" => builder.failing_export(catalogue::metric(value)?.name),
        "--discovery-target" => builder.discovery_target(value),
        "--certificate" => builder.certificate(match value {
            "good" => Certificate::Good,
            "wrong-host" => Certificate::WrongHost,
            "expired" => Certificate::Expired,
            "not-yet-valid" => Certificate::NotYetValid,
            "self-signed" => Certificate::SelfSigned,
            "unknown-authority" => Certificate::UnknownAuthority,
            _ => return None,
        }),
        _ => return None,
    })
}

/// Writes the authority's certificate to a file that did not exist before.
fn authority_file(emulator: &Emulator) -> io::Result<PathBuf> {
    let mut attempt = 0_u32;
    loop {
        let name = format!(
            "confluent-metrics-emulator-ca-{}-{attempt}.pem",
            std::process::id()
        );
        let path = std::env::temp_dir().join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(emulator.ca_pem().as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1_000 => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Lines for a shell: the environment, and a query that works with it and without.
fn announcement(emulator: &Emulator, authority: &str) -> String {
    let (url, key, secret) = (emulator.url(), emulator.api_key(), emulator.api_secret());
    let authority = quoted(authority);
    let query = r#"{"aggregations":[{"metric":"io.confluent.kafka.server/sent_bytes"}],"filter":{"field":"resource.kafka.id","op":"EQ","value":"lkc-1"},"granularity":"PT1M","group_by":["metric.topic"],"intervals":["PT1H/now-3m|m"],"format":"GROUPED"}"#;
    format!(
        "export CONFLUENT_METRICS_BASE_URL={url}\n\
         export CONFLUENT_METRICS_CA_FILE={authority}\n\
         export CONFLUENT_CLOUD_API_KEY={key}\n\
         export CONFLUENT_CLOUD_API_SECRET={secret}\n\
         curl -sS --cacert {authority} -u {key}:{secret} -H 'Content-Type: application/json' -d '{query}' \
         {url}/v2/metrics/cloud/query\n"
    )
}

/// Quotes what a shell would take apart.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> String {
        match parse(line.split_whitespace().map(str::to_owned)) {
            Ok(_) => panic!("'{line}' was accepted"),
            Err(fault) => fault,
        }
    }

    #[test]
    fn every_option_of_the_usage_is_read() {
        let line = "--port 0 --clock=2026-01-01T12:00:00Z --no-demo --topics 2 --kafka lkc-a --kafka lkc-b \
            --date-offset=-90 --page-cap 5 --token-lifetime 0.5 --rate-limit 9 --rate-window 2 --retry-after --no-gzip --integers \
            --export-form recorded --export-cap 7 --discovery-target localhost:9 --failing-export io.confluent.kafka.server/sent_bytes \
            --export-limit 8 --export-window 9 --operation-limit query=5 --rate-headers=joined --certificate expired --tls12-only \
            --millis --newest-first --always-meta --links-only --unprocessable --closed-descriptors --no-date --verbose";
        for word in USAGE
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            assert!(line.contains(word) || word == "--help", "{word}");
        }
        let builder = parse(line.split_whitespace().map(str::to_owned))
            .expect("readable")
            .expect("no help");
        let shown = format!("{builder:?}");
        for part in [
            "clock: Some(1767268800)",
            "demo: false",
            "date_offset: None",
            "topics: 2",
            r#"clusters: ["lkc-a", "lkc-b"]"#,
            "page_cap: 5",
            "token_lifetime: 500ms",
            "rate_limit: Some(9)",
            "rate_window: 2s",
            r#"operation_limits: {"query": 5}"#,
            "rate_headers: Joined",
            "certificate: Expired",
            "tls12_only: true",
            "export_form: Recorded",
            "export_cap: 7",
            r#"discovery_target: Some("localhost:9")"#,
            "export_limit: Some(8)",
            "export_window: 9s",
            r#"failing_exports: {"io.confluent.kafka.server/sent_bytes"}"#,
            "gzip: false",
            "links_only: true",
            "verbose: true",
            "newest_first: true",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(fault("--prot 1"), "unknown option '--prot'");
        assert_eq!(fault("8080"), "unknown option '8080'");
        assert_eq!(fault("--port"), "--port needs a value");
        assert_eq!(fault("--port x"), "--port can't be 'x'");
        assert_eq!(fault("--date-offset 1.5"), "--date-offset can't be '1.5'");
        assert_eq!(fault("--clock yesterday"), "--clock can't be 'yesterday'");
        assert_eq!(fault("--rate-window -1"), "--rate-window can't be '-1'");
        assert_eq!(
            fault("--operation-limit=cook=5"),
            "--operation-limit can't be 'cook=5'"
        );
        assert_eq!(
            fault("--operation-limit query"),
            "--operation-limit can't be 'query'"
        );
        assert_eq!(
            fault("--rate-headers both"),
            "--rate-headers can't be 'both'"
        );
        assert_eq!(
            fault("--certificate forged"),
            "--certificate can't be 'forged'"
        );
        assert_eq!(fault("--export-form new"), "--export-form can't be 'new'");
        assert_eq!(
            fault("--failing-export sent_bytes"),
            "--failing-export can't be 'sent_bytes'"
        );
        assert_eq!(fault("--verbose=yes"), "--verbose takes no value");
        assert!(parse(["--help".to_owned()].into_iter()).is_ok_and(|builder| builder.is_none()));
    }

    #[test]
    fn the_announcement_survives_a_shell() {
        assert_eq!(quoted("/tmp/a-1.pem"), "/tmp/a-1.pem");
        assert_eq!(quoted("/tmp/it's here.pem"), r"'/tmp/it'\''s here.pem'");
    }
}
