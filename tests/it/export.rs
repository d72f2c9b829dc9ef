//! Exports over the network, in one or several requests.

use confluent_metrics::{
    Client, Completeness, Credentials, Error, ErrorKind, Export, ExportFormat, ExportRequest,
    MetricDescriptor, Resource, Sample,
};
use confluent_metrics_emulator::{Emulator, ExportDialect, Fault};

use crate::support::{
    NOON, RETAINED, SENT, builder, builder_as, client, client_without_retries, empty_emulator,
};

/// The latest minute in an export at noon.
const NEWEST: i64 = NOON - 180;

fn put(emulator: &Emulator, metric: &str, cluster: &str, topic: &str, value: f64) {
    let labels = [("resource.kafka.id", cluster), ("metric.topic", topic)];
    emulator.put(metric, &labels, NEWEST, value);
}

fn with_points() -> Emulator {
    let emulator = empty_emulator();
    fill(&emulator);
    emulator
}

fn fill(emulator: &Emulator) {
    put(emulator, SENT, "lkc-1", "orders", 1574.0);
    put(emulator, SENT, "lkc-1", "a\"b\\c\nd", 0.1);
    put(emulator, SENT, "lkc-2", "orders", 1.5e12);
    put(emulator, RETAINED, "lkc-1", "orders", 7.0);
}

fn render(export: &Export) -> Vec<String> {
    let render_sample = |sample: &Sample| {
        let time = sample
            .timestamp()
            .map_or("never".into(), |at| at.to_string());
        format!(
            "{}{} {} {time}",
            sample.name(),
            sample.labels(),
            sample.value()
        )
    };
    export.samples().iter().map(render_sample).collect()
}

fn both() -> ExportRequest {
    ExportRequest::new([Resource::kafka("lkc-1"), Resource::kafka("lkc-2")])
}

const EVERYTHING: [&str; 4] = [
    r#"confluent_kafka_server_sent_bytes{kafka_id="lkc-1", topic="a\"b\\c\nd"} 0.1 2026-01-08T11:57:00Z"#,
    r#"confluent_kafka_server_sent_bytes{kafka_id="lkc-1", topic="orders"} 1574 2026-01-08T11:57:00Z"#,
    r#"confluent_kafka_server_sent_bytes{kafka_id="lkc-2", topic="orders"} 1500000000000 2026-01-08T11:57:00Z"#,
    r#"confluent_kafka_server_retained_bytes{kafka_id="lkc-1", topic="orders"} 7 2026-01-08T11:57:00Z"#,
];

#[test]
fn an_export_is_sent_as_documented_and_its_samples_are_returned() {
    let emulator = with_points();
    let export = client(&emulator).export(&both()).unwrap();
    assert_eq!(render(&export), EVERYTHING);
    assert_eq!(export.completeness(), Completeness::Complete);
    assert_eq!(export.samples_of(SENT).count(), 3);
    let sample = &export.samples()[0];
    assert_eq!(
        (sample.kind(), sample.unit()),
        (Some("gauge"), Some("bytes"))
    );
    assert!(
        sample
            .help()
            .is_some_and(|help| help.contains("sent bytes")),
        "{:?}",
        sample.help()
    );
    let [request] = &emulator.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(
        (&*request.method, &*request.target),
        (
            "GET",
            "/v2/metrics/cloud/export?resource.kafka.id=lkc-1&resource.kafka.id=lkc-2"
        )
    );
    assert_eq!(
        request.header("accept"),
        Some("application/openmetrics-text, text/plain;q=0.5")
    );
    let only = client(&emulator).export(&both().metric(RETAINED)).unwrap();
    assert_eq!(render(&only), [EVERYTHING[3]]);
    assert!(
        emulator.requests()[1]
            .target
            .ends_with("&metric=io.confluent.kafka.server%2Fretained_bytes")
    );
}

#[test]
fn every_form_of_the_text_gives_the_same_samples() {
    for form in [
        ExportDialect::Standard,
        ExportDialect::Recorded,
        ExportDialect::Documented,
    ] {
        let emulator = Emulator::builder()
            .clock(NOON)
            .demo(false)
            .export_dialect(form)
            .start();
        fill(&emulator);
        let client = client(&emulator);
        assert_eq!(
            render(&client.export(&both()).unwrap()),
            EVERYTHING,
            "{form:?}"
        );
        for format in [ExportFormat::Prometheus, ExportFormat::OpenMetrics] {
            let text = client.export_text(&both(), format).unwrap();
            let is_open = text.trim_end().ends_with("EOF");
            assert_eq!(is_open, format == ExportFormat::OpenMetrics, "{text}");
            assert!(
                text.contains("confluent_scrape_resource_access_error{"),
                "the text is the service's own"
            );
            assert_eq!(
                render(&Export::parse(&text).unwrap()),
                EVERYTHING,
                "{form:?} {format:?}"
            );
        }
        let accepted: Vec<_> = emulator
            .requests()
            .iter()
            .map(|one| one.header("accept").map(str::to_owned))
            .collect();
        assert_eq!(
            accepted[1..],
            [
                Some("text/plain".into()),
                Some("application/openmetrics-text".into())
            ]
        );
    }
}

#[test]
fn names_convert_between_export_and_query() {
    let emulator = with_points();
    let client = client(&emulator);
    let metrics = client.metric_descriptors().unwrap();
    for sample in client.export(&both()).unwrap().samples() {
        let metric = MetricDescriptor::find_by_export_name(sample.name(), &metrics).unwrap();
        assert_eq!(metric.export_name(), sample.name());
        assert!([SENT, RETAINED].contains(&metric.name()));
    }
    let names: std::collections::HashSet<_> =
        metrics.iter().map(MetricDescriptor::export_name).collect();
    assert_eq!(
        names.len(),
        metrics.len(),
        "no two metrics have the same name in an export"
    );
}

#[test]
fn metrics_and_resources_that_cannot_be_exported_are_reported_as_missing() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .failing_export(RETAINED)
        .start();
    fill(&emulator);
    let (key, secret) = emulator.reader_key();
    let reader = builder_as(&emulator, Credentials::api_key(key, secret).unwrap())
        .max_retries(0)
        .build()
        .unwrap();
    let request = ExportRequest::new([
        Resource::kafka("lkc-1"),
        Resource::kafka("lkc-2"),
        Resource::new("kafak", "lkc-3"),
    ]);
    let export = reader
        .export(&request.clone().ignore_failed_metrics(true))
        .unwrap();
    assert_eq!(render(&export), EVERYTHING[..2]);
    assert_eq!(
        export.inaccessible(),
        [Resource::new("kafak", "lkc-3"), Resource::kafka("lkc-2")]
    );
    assert_eq!(export.failed_metrics(), [RETAINED]);
    let missing = "no access to kafka lkc-2; missing samples and status of kafak lkc-3 (check type and id); \
                   io.confluent.kafka.server/retained_bytes failed";
    assert!(
        matches!(export.completeness(), Completeness::Truncated { missing: found, .. } if found == missing)
    );
    let error = export.require_complete().unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (
            ErrorKind::Incomplete,
            format!("incomplete export: {missing}")
        )
    );
    let error = reader.export(&request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert!(
        error.hint().unwrap().contains("ignore_failed_metrics"),
        "{error:?}"
    );
}

#[test]
fn a_silent_truncation_at_the_cap_is_detected() {
    let emulator = Emulator::builder().clock(NOON).demo(false).start();
    for topic in 0..60_001 {
        put(&emulator, SENT, "lkc-1", &format!("t{topic:05}"), 1.0);
    }
    let export = client(&emulator).export(&both()).unwrap();
    assert_eq!(export.samples().len(), 60_000);
    let error = export.require_complete().unwrap_err().to_string();
    assert!(
        error.contains("sent_bytes may be truncated at the service limit of 60000 samples"),
        "{error}"
    );
}

/// Returns more cluster ids than fit into the URL of one request.
fn many() -> Vec<String> {
    (0..700).map(|number| format!("lkc-{number:04}")).collect()
}

fn with_many() -> (Emulator, ExportRequest) {
    let emulator = empty_emulator();
    for (value, cluster) in many().iter().enumerate() {
        put(&emulator, SENT, cluster, "orders", value as f64);
        put(&emulator, RETAINED, cluster, "orders", value as f64);
    }
    (
        emulator,
        ExportRequest::new(many().into_iter().map(Resource::kafka)),
    )
}

#[test]
fn resources_beyond_one_url_are_split_over_several_requests() {
    let (emulator, request) = with_many();
    let client = client(&emulator);
    let export = client.export(&request).unwrap().require_complete().unwrap();
    let ids: Vec<_> = export
        .samples_of(SENT)
        .map(|sample| sample.labels().get("kafka_id").unwrap())
        .collect();
    assert_eq!(ids, many(), "every cluster, once");
    assert_eq!(export.samples().len(), 1400);
    let names: Vec<_> = export.samples().iter().map(Sample::name).collect();
    assert!(names.is_sorted(), "the samples of a metric stand together");
    let requests = emulator.requests();
    assert_eq!(requests.len(), 3);
    let length = |target: &str| emulator.url().len() + target.len();
    assert!(
        requests
            .iter()
            .all(|request| length(&request.target) <= 8192)
    );

    let error = client
        .export_text(&request, ExportFormat::Prometheus)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "export of kafka lkc-0000, kafka lkc-0001, kafka lkc-0002 and 697 more failed: \
         the URL would exceed 8192 bytes: 3 requests are needed, and their texts cannot be merged"
    );
    assert_eq!(emulator.requests().len(), 3, "nothing was sent");
}

#[test]
fn a_batch_that_fails_is_missing_and_all_of_them_are_an_error() {
    let (emulator, request) = with_many();
    let refused = r#"{"errors":[{"status":"403","detail":"Unauthorized for the following resources: lkc-0000"}]}"#;
    emulator.fault(Fault::status(403).body(refused).matching("lkc-0000"));
    let export = client_without_retries(&emulator).export(&request).unwrap();
    let missing = export.inaccessible().len();
    assert!(
        (200..400).contains(&missing),
        "{missing} of 700 went out first"
    );
    assert_eq!(export.inaccessible()[0], Resource::kafka("lkc-0000"));
    assert_eq!(export.samples().len(), 2 * (700 - missing));
    assert_eq!(
        export.require_complete().unwrap_err().kind(),
        ErrorKind::Incomplete
    );
    emulator.fault(Fault::status(403).body(refused).times(3));
    let error = client_without_retries(&emulator)
        .export(&request)
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Forbidden, Some(403))
    );
    emulator.fault(Fault::status(500).skip(2));
    assert_eq!(
        client_without_retries(&emulator)
            .export(&request)
            .unwrap_err()
            .kind(),
        ErrorKind::Server,
        "no part is left out"
    );
}

/// Returns the errors of `export` and `export_text` for a fault.
fn export_errors(emulator: &Emulator, fault: &Fault) -> Vec<Error> {
    let client = client_without_retries(emulator);
    emulator.fault(fault.clone().times(3));
    vec![
        client.export(&both()).unwrap_err(),
        client
            .export_text(&both(), ExportFormat::Prometheus)
            .unwrap_err(),
        client
            .export_text(&both(), ExportFormat::OpenMetrics)
            .unwrap_err(),
    ]
}

#[test]
fn a_body_that_is_no_export_is_refused() {
    let emulator = empty_emulator();
    let context = "export of kafka lkc-1, kafka lkc-2 failed: cannot decode an export";
    let bytes = |text: &str| text.as_bytes().to_vec();
    for (body, why) in [
        (
            bytes("{\"data\":[]}"),
            "line 1: expected a metric name: {\"data\":[]}",
        ),
        (bytes(""), "the text is empty"),
        (bytes("\u{feff}\n"), "the text is empty"),
        (bytes("a 1\nb 12"), "line 2: unexpected end of text: b 12"),
        (
            bytes("a 1\n# EOF\nb 1\n"),
            "line 3: unexpected text after # EOF: b 1",
        ),
        (
            bytes("a 1e400\n"),
            "line 1: value exceeds the range of f64: a 1e400",
        ),
        (bytes("a 1\na 2\n"), "conflicting values for a{}: 1 and 2"),
        (
            bytes("upstream connect error\n"),
            "line 1: invalid value: upstream connect error",
        ),
        (
            b"a{b=\"\xff\"} 1\n".to_vec(),
            "invalid utf-8 sequence of 1 bytes from index 5",
        ),
    ] {
        for error in export_errors(&emulator, &Fault::status(200).body(body)) {
            assert_eq!(
                (error.kind(), error.status()),
                (ErrorKind::Decode, Some(200))
            );
            assert_eq!(error.to_string(), format!("{context}: {why}"));
        }
    }
}

#[test]
fn an_openmetrics_body_delimited_by_close_needs_its_eof_marker() {
    let emulator = empty_emulator();
    let open_metrics = "application/openmetrics-text;version=1.0.0;charset=utf-8";
    let fault = |body: &str, media_type: Option<&str>| {
        let fault = Fault::status(200).body(body).unframed();
        media_type.map_or(fault.clone(), |media_type| {
            fault.header("Content-Type", media_type)
        })
    };
    // A text without its last lines, in a response that is delimited by the end of the connection.
    for body in ["a 1\n", "# TYPE a gauge\na 1\n", "# TYPE a gauge\n"] {
        // Without a media type, the text may be OpenMetrics, as requested.
        for media_type in [Some(open_metrics), Some("application/octet-stream"), None] {
            for error in export_errors(&emulator, &fault(body, media_type)) {
                assert_eq!(
                    (error.kind(), error.status()),
                    (ErrorKind::Incomplete, Some(200)),
                    "{body}"
                );
                let why = "failed: incomplete response: the connection closed before `# EOF`";
                assert!(error.to_string().ends_with(why), "{error}");
                assert!(error.hint().is_some());
            }
        }
    }
    let client = client_without_retries(&emulator);
    let framed = |body: &str| {
        Fault::status(200)
            .body(body)
            .header("Content-Type", open_metrics)
    };
    for fault in [
        fault("a 1\n# EOF\n", Some(open_metrics)),
        fault("a 1\n#EOF", Some(open_metrics)),
        // The text format of Prometheus has no end marker.
        fault("a 1\n", Some("text/plain;version=0.0.4")),
        fault("a 1\n", Some("Text/Plain")),
        // A length or chunks mark the end too.
        framed("a 1\n"),
        framed("a 1\n").chunked(),
    ] {
        emulator.fault(fault.clone().times(2));
        assert_eq!(
            render(&client.export(&both()).unwrap()),
            ["a{} 1 never"],
            "{fault:?}"
        );
        client
            .export_text(&both(), ExportFormat::OpenMetrics)
            .unwrap();
    }
}

#[test]
fn a_byte_order_mark_before_an_export_is_skipped() {
    let emulator = empty_emulator();
    emulator.fault(Fault::status(200).body("\u{feff}a 1\n# EOF\n").times(2));
    let client = client_without_retries(&emulator);
    assert_eq!(render(&client.export(&both()).unwrap()), ["a{} 1 never"]);
    let text = client
        .export_text(&both(), ExportFormat::OpenMetrics)
        .unwrap();
    assert_eq!(text, "a 1\n# EOF\n", "no reader of the format expects one");
}

#[test]
fn a_requested_resource_without_a_sample_or_a_status_is_missing() {
    let emulator = empty_emulator();
    let missing = |body: &str| {
        emulator.fault(
            Fault::status(200)
                .body(body)
                .header("Content-Type", "text/plain"),
        );
        match client_without_retries(&emulator)
            .export(&both())
            .unwrap()
            .completeness()
        {
            Completeness::Truncated { missing, .. } => missing,
            other => format!("{other:?}"),
        }
    };
    let status = |id: &str| {
        let labels = format!("resource_id=\"{id}\",resource_type=\"resource.kafka.id\"");
        format!("confluent_scrape_resource_access_error{{{labels}}} 0.0\n")
    };
    let sample = |id: &str| format!("a{{kafka_id=\"{id}\"}} 1\n");
    assert_eq!(
        missing(&[status("lkc-1"), status("lkc-2")].concat()),
        "Complete"
    );
    assert_eq!(
        missing(&[sample("lkc-1"), status("lkc-2")].concat()),
        "Complete"
    );
    assert_eq!(
        missing(&[sample("lkc-1"), sample("lkc-2")].concat()),
        "Complete"
    );
    let second = "missing samples and status of kafka lkc-2 (check type and id)";
    assert_eq!(missing(&status("lkc-1")), second);
    assert_eq!(
        missing(&sample("lkc-1")),
        second,
        "a service without statuses tells by its samples"
    );
    let neither = "missing samples and status of kafka lkc-1, kafka lkc-2 (check type and id)";
    assert_eq!(missing("# EOF\n"), neither);
}

#[test]
fn a_body_cut_short_is_never_an_export() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .gzip(false)
        .start();
    fill(&emulator);
    let client = client_without_retries(&emulator);
    let whole = client
        .export_text(&both(), ExportFormat::OpenMetrics)
        .unwrap();
    for end in [0, 1, whole.len() / 2, whole.len() - 1] {
        emulator.fault(Fault::real_response().cut_body_after(end).times(2));
        assert_eq!(
            client.export(&both()).unwrap_err().kind(),
            ErrorKind::Connection,
            "{end}"
        );
        let text = client.export_text(&both(), ExportFormat::OpenMetrics);
        assert_eq!(text.unwrap_err().kind(), ErrorKind::Connection, "{end}");
    }
}

#[test]
fn limits_on_an_export_bind_only_the_same_resources() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .export_limit(1)
        .start();
    let client = builder(&emulator).max_retries(0).build().unwrap();
    let of = |id: &str| ExportRequest::new([Resource::kafka(id)]);
    client.export(&of("lkc-1")).unwrap();
    let error = client.export(&of("lkc-1").metric(SENT)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(
        error.retry_after().is_some_and(|wait| wait.as_secs() > 600),
        "{error:?}"
    );
    assert_eq!(
        emulator.rate_limited(),
        0,
        "it was known before anything was sent"
    );
    client.export(&of("lkc-2")).unwrap();
    client.metric_descriptors().unwrap();
    let fresh = builder(&emulator).max_retries(0).build().unwrap();
    let error = fresh.export(&of("lkc-1")).unwrap_err();
    assert_eq!(
        (error.kind(), error.status(), emulator.rate_limited()),
        (ErrorKind::RateLimited, Some(429), 1)
    );
}

#[test]
fn every_problem_is_named_before_anything_is_sent() {
    let emulator = empty_emulator();
    let client: Client = client(&emulator);
    let faulty = ExportRequest::new([Resource::kafka("")]).metric("");
    let error = client.export(&faulty).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "export of kafka failed: invalid export request: \
         kafka id is empty; metric name is empty"
    );
    let error = client
        .export_text(&ExportRequest::new([]), ExportFormat::Prometheus)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "export failed: invalid export request: no resource given"
    );
    assert_eq!(emulator.requests().len(), 0);
}
