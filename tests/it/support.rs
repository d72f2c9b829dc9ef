use std::time::Duration;

use confluent_metrics::{
    AttributeQuery, Client, ClientBuilder, Credentials, DiscoveryRequest, Error, ErrorKind,
    ExportFormat, ExportRequest, Granularity, Interval, Query, Resource, Series,
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
    all_topics().group_by(["metric.topic"])
}

/// Sent bytes of `lkc-1`, by the minute, over the hour from 11:00 on.
pub(crate) fn all_topics() -> Query {
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

/// A method of [`Client`] that sends requests.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// The path below the dataset.
    pub(crate) path: &'static str,
    /// The start of every error, before ` failed: `.
    pub(crate) context: &'static str,
    /// The body of a response without any data.
    pub(crate) empty_response: &'static str,
    /// One of many items of a response, with `{}` for its number.
    pub(crate) item: &'static str,
    pub(crate) call: fn(&Client) -> Result<(), Error>,
}

impl Operation {
    /// Returns if the service splits responses of this operation into pages.
    pub(crate) fn has_pages(&self) -> bool {
        // An access check looks at one page, since its first response tells.
        self.empty_response == EMPTY_LIST && self.method != ACCESS.method
    }

    /// Returns the body of a response with `count` items.
    pub(crate) fn response(&self, count: usize) -> String {
        let items: Vec<_> = (0..count)
            .map(|number| self.item.replace("{}", &format!("{number:06}")))
            .collect();
        match self.empty_response {
            EMPTY_LIST => format!(r#"{{"data":[{}]}}"#, items.join(",")),
            "[]" => format!("[{}]", items.join(",")),
            _ => items.concat(),
        }
    }
}

pub(crate) const EMPTY_LIST: &str = r#"{"data":[]}"#;

pub(crate) const QUERY: Operation = Operation {
    method: "query",
    path: "query",
    context: "query of io.confluent.kafka.server/sent_bytes",
    empty_response: EMPTY_LIST,
    item: r#"{"metric.topic":"t{}","points":[]}"#,
    call: |client| client.query(&by_topic()).map(drop),
};

pub(crate) const ATTRIBUTES: Operation = Operation {
    method: "attributes",
    path: "attributes",
    context: "attribute query for metric.topic of io.confluent.kafka.server/sent_bytes",
    empty_response: EMPTY_LIST,
    item: r#"{"metric.topic":"t{}"}"#,
    call: |client| client.attributes(&topics("metric.topic")).map(drop),
};

pub(crate) const METRIC_DESCRIPTORS: Operation = Operation {
    method: "metric_descriptors",
    path: "descriptors/metrics",
    context: "metric descriptors",
    empty_response: EMPTY_LIST,
    item: r#"{"name":"t{}","description":""}"#,
    call: |client| client.metric_descriptors().map(drop),
};

pub(crate) const RESOURCE_DESCRIPTORS: Operation = Operation {
    method: "resource_descriptors",
    path: "descriptors/resources",
    context: "resource descriptors",
    empty_response: EMPTY_LIST,
    item: r#"{"type":"t{}","description":""}"#,
    call: |client| client.resource_descriptors().map(drop),
};

pub(crate) const EXPORT: Operation = Operation {
    method: "export",
    path: "export",
    context: "export of kafka lkc-1, kafka lkc-2",
    empty_response: "# EOF\n",
    item: "sent_bytes{topic=\"t{}\"} 1\n",
    call: |client| client.export(&clusters()).map(drop),
};

pub(crate) const DISCOVER: Operation = Operation {
    method: "discover",
    path: "discovery",
    context: "discovery",
    empty_response: "[]",
    item: r#"{"targets":["t{}"]}"#,
    call: |client| client.discover(&DiscoveryRequest::new()).map(drop),
};

pub(crate) const ACCESS: Operation = Operation {
    method: "check_access",
    path: "query",
    context: "access check of kafka lkc-1",
    empty_response: EMPTY_LIST,
    item: r#"{"timestamp":"2026-01-08T11:00:00Z","value":1,"metric.topic":"t{}"}"#,
    call: |client| client.check_access(&Resource::kafka("lkc-1")),
};

/// Every method that sends requests, for tests of what holds for all of them.
///
/// `operations.rs` checks that none is missing.
pub(crate) const OPERATIONS: [Operation; 11] = [
    QUERY,
    Operation {
        method: "query_all",
        call: |client| {
            let mut results = client.query_all(&[by_topic()]);
            results.remove(0).map(drop)
        },
        ..QUERY
    },
    Operation {
        method: "query_pages",
        call: |client| {
            client
                .query_pages(&by_topic())
                .try_for_each(|page| page.map(drop))
        },
        ..QUERY
    },
    ATTRIBUTES,
    METRIC_DESCRIPTORS,
    Operation {
        method: "metric_descriptors_for",
        context: "metric descriptors of kafka",
        call: |client| client.metric_descriptors_for("kafka").map(drop),
        ..METRIC_DESCRIPTORS
    },
    RESOURCE_DESCRIPTORS,
    EXPORT,
    Operation {
        method: "export_text",
        call: |client| {
            client
                .export_text(&clusters(), ExportFormat::OpenMetrics)
                .map(drop)
        },
        ..EXPORT
    },
    DISCOVER,
    ACCESS,
];

/// Returns a query for the values of `label` among the topics of `lkc-1`.
pub(crate) fn topics(label: &str) -> AttributeQuery {
    AttributeQuery::new(SENT, [label])
        .filter(Resource::kafka("lkc-1"))
        .interval(interval("2026-01-08T11:00:00Z/PT1H"))
}

pub(crate) fn clusters() -> ExportRequest {
    ExportRequest::new([Resource::kafka("lkc-1"), Resource::kafka("lkc-2")])
}

/// Returns for each request so far if it has a page token.
pub(crate) fn requests_with_token(emulator: &Emulator) -> Vec<bool> {
    let requests = emulator.requests().into_iter();
    requests
        .map(|request| request.target.contains("page_token"))
        .collect()
}

/// Checks the error of a window whose page token expired a second time.
pub(crate) fn assert_token_expired_again(error: &Error) {
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Rejected, Some(400))
    );
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("page tokens expired before"),
        "{error:?}"
    );
}
