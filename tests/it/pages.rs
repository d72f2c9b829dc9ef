//! Windows and pages of queries: every group and point once, whatever happens between two pages.

use std::time::{Duration, Instant};

use confluent_metrics::{
    Completeness, ErrorKind, Filter, Granularity, Query, Resource, Series, Timestamp,
};
use confluent_metrics_emulator::{Emulator, Fault, Request};

use crate::support::{
    FOREVER, HANG, NOON, OPERATIONS, SENT, all_topics, assert_token_expired_again, builder,
    by_topic, client, empty_emulator, interval, put_point, render_all, requests_with_token,
};

fn with_topics(count: usize) -> Emulator {
    let emulator = empty_emulator();
    for topic in 0..count {
        put_point(&emulator, &format!("t{topic:04}"), 0, topic as f64);
        put_point(&emulator, &format!("t{topic:04}"), 7, 0.5);
    }
    emulator
}

fn expected_series(count: usize) -> Vec<String> {
    (0..count)
        .map(|topic| format!("t{topic:04} 0={topic} 7=0.5"))
        .collect()
}

fn sent_interval(body: &str) -> String {
    let (_, rest) = body.split_once(r#""intervals":[""#).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[test]
fn every_page_is_fetched_with_the_same_body() {
    let emulator = with_topics(25);
    emulator.page_cap(10);
    let result = client(&emulator).query(&by_topic()).unwrap();
    assert_eq!(render_all(&result), expected_series(25));
    let requests = emulator.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body)
    );
    assert_eq!(requests[0].target, "/v2/metrics/cloud/query");
    for request in &requests[1..] {
        let token = request
            .target
            .strip_prefix("/v2/metrics/cloud/query?page_token=")
            .unwrap();
        assert!(
            !token.contains(['+', '/', '=']),
            "the token {token} is percent-encoded"
        );
    }
}

#[test]
fn pages_are_lazy_and_fused_and_report_progress() {
    let emulator = with_topics(5);
    emulator.page_cap(2);
    let query = by_topic().add_interval(interval("2026-01-08T00:00:00Z/PT9H"));
    let mut pages = client(&emulator).query_pages(&query);
    assert_eq!(
        emulator.requests().len(),
        0,
        "nothing is asked before the first page"
    );
    let mut seen = Vec::new();
    for page in &mut pages {
        let page = page.unwrap();
        assert_eq!(
            emulator.requests().len(),
            page.progress().pages(),
            "nothing is fetched ahead"
        );
        let (start, end) = page.interval();
        let progress = page.progress();
        let counts = (
            progress.windows_done(),
            progress.windows(),
            progress.series(),
            progress.points(),
        );
        seen.push((format!("{start}/{end}"), page.items().len(), counts));
    }
    let window = |number: usize| {
        let windows = [
            "T00:00:00Z/2026-01-08T06:00:00Z",
            "T06:00:00Z/2026-01-08T09:00:00Z",
            "T11:00:00Z/2026-01-08T12:00:00Z",
        ];
        format!("2026-01-08{}", windows[number])
    };
    assert_eq!(
        seen,
        [
            (window(0), 0, (1, 3, 0, 0)),
            (window(1), 0, (2, 3, 0, 0)),
            (window(2), 2, (2, 3, 2, 4)),
            (window(2), 2, (2, 3, 4, 8)),
            (window(2), 1, (3, 3, 5, 10)),
        ]
    );
    assert!(pages.next().is_none() && pages.next().is_none());
    assert_eq!(emulator.requests().len(), 5);
}

#[test]
fn an_error_is_the_last_item() {
    let emulator = with_topics(5);
    emulator.page_cap(2);
    emulator.fault(
        Fault::status(400)
            .body(r#"{"errors":[{"detail":"no"}]}"#)
            .times(9)
            .skip(1),
    );
    let mut pages = client(&emulator).query_pages(&by_topic());
    assert_eq!(pages.next().unwrap().unwrap().items().len(), 2);
    assert_eq!(
        pages.next().unwrap().unwrap_err().kind(),
        ErrorKind::Rejected
    );
    assert!(pages.next().is_none() && pages.next().is_none());
    let mut refused = client(&emulator).query_pages(&by_topic().limit(0));
    assert_eq!(
        refused.next().unwrap().unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert!(refused.next().is_none());
}

#[test]
fn an_expired_token_restarts_its_window_once() {
    let emulator = with_topics(5);
    emulator.page_cap(2);
    let mut pages = client(&emulator).query_pages(&by_topic());
    let mut series: Vec<Series> = pages.next().unwrap().unwrap().into_items();
    emulator.expire_tokens();
    for page in &mut pages {
        series.extend(page.unwrap());
    }
    assert_eq!(
        render_all(&series),
        expected_series(5),
        "nothing lost, nothing twice"
    );
    assert_eq!(
        requests_with_token(&emulator),
        [false, true, false, true, true]
    );

    let mut pages = client(&emulator).query_pages(&by_topic());
    pages.next().unwrap().unwrap();
    emulator.expire_tokens();
    pages.next().unwrap().unwrap();
    emulator.expire_tokens();
    let error = pages.next().unwrap().unwrap_err();
    assert_token_expired_again(&error);
}

#[test]
fn a_repeated_token_is_an_error() {
    let emulator = empty_emulator();
    let page = r#"{"data":[{"metric.topic":"a","points":[]}],"meta":{"pagination":{"next_page_token":"again"}}}"#;
    emulator.fault(Fault::status(200).body(page).times(9));
    let error = client(&emulator).query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.to_string().contains("duplicate page token"),
        "{error}"
    );
    assert_eq!(emulator.requests().len(), 2);
}

#[test]
fn a_link_is_followed_without_a_token_and_only_on_the_same_origin() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .links_only(true)
        .page_cap(2)
        .start();
    for topic in ["a", "b", "c"] {
        put_point(&emulator, topic, 0, 1.0);
    }
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["a 0=1", "b 0=1", "c 0=1"]
    );
    let requests = emulator.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);

    let page = r#"{"data":[],"links":{"next":"https://evil.example/v2/metrics/cloud/query?page_token=a"}}"#;
    emulator.fault(Fault::status(200).body(page));
    let error = client(&emulator).query(&by_topic()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error
            .to_string()
            .ends_with("next-page link points to another origin"),
        "{error}"
    );
}

#[test]
fn a_long_interval_is_split_and_merged_exactly() {
    let emulator = empty_emulator();
    for minute in 0..20 * 60 {
        let labels = [("resource.kafka.id", "lkc-1"), ("metric.topic", "orders")];
        emulator.put(SENT, &labels, NOON - 20 * 3600 + minute * 60, minute as f64);
    }
    let query = Query::new(
        SENT,
        Granularity::OneMinute,
        interval("2026-01-07T16:01:00Z/2026-01-08T12:00:00Z"),
    )
    .filter(Resource::kafka("lkc-1"))
    .group_by(["metric.topic"]);
    let result = client(&emulator).query(&query).unwrap();
    let values: Vec<_> = result.series()[0]
        .points()
        .iter()
        .map(|point| point.value)
        .collect();
    let expected: Vec<_> = (1..20 * 60).map(f64::from).collect();
    assert_eq!(
        values, expected,
        "the minute that began before the start is not in it"
    );
    // The windows are requested at the same time, so they arrive in any order.
    let mut sent: Vec<_> = emulator.requests().iter().map(Request::text).collect();
    sent.sort();
    let intervals: Vec<_> = sent.iter().map(|body| sent_interval(body)).collect();
    assert_eq!(
        intervals,
        [
            "2026-01-07T16:01:00Z/2026-01-07T22:01:00Z",
            "2026-01-07T22:01:00Z/2026-01-08T04:01:00Z",
            "2026-01-08T04:01:00Z/2026-01-08T10:01:00Z",
            "2026-01-08T10:01:00Z/2026-01-08T12:00:00Z",
        ]
    );
    let bodies = client(&emulator).request_bodies(&query).unwrap();
    assert_eq!(bodies, sent);
}

#[test]
fn overlapping_intervals_count_once() {
    let emulator = empty_emulator();
    (0..60).for_each(|minute| put_point(&emulator, "orders", minute, 1.0));
    let query = all_topics().add_interval(interval("2026-01-08T11:30:00Z/PT1H"));
    let result = client(&emulator).query(&query).unwrap();
    assert_eq!(result.series()[0].points().len(), 60);
    assert_eq!(emulator.requests().len(), 1);
}

#[test]
fn a_limit_returns_the_first_groups_and_reports_a_cut() {
    let emulator = with_topics(5);
    let limited = |limit, cap: usize| {
        emulator.page_cap(cap);
        emulator.clear_requests();
        let result = client(&emulator).query(&by_topic().limit(limit)).unwrap();
        let cut = matches!(result.completeness(), Completeness::Limited { limit: found, .. } if *found == limit);
        assert!(cut || result.completeness().is_complete());
        (render_all(&result), cut, emulator.requests().len())
    };
    assert_eq!(limited(3, 0), (expected_series(3), true, 1));
    assert_eq!(limited(5, 0), (expected_series(5), false, 1));
    assert_eq!(limited(9, 0), (expected_series(5), false, 1));
    assert_eq!(limited(3, 2), (expected_series(3), true, 2));
    assert_eq!(limited(2, 2), (expected_series(2), true, 1));
    assert_eq!(limited(2000, 2), (expected_series(5), false, 3));
}

fn totals() -> Query {
    Query::new(
        SENT,
        Granularity::All,
        interval("2026-01-08T11:00:00Z/PT1H"),
    )
    .filter(Resource::kafka("lkc-1"))
    .group_by(["metric.topic"])
}

#[test]
fn all_beyond_one_response_is_bisected() {
    let emulator = with_topics(2500);
    let result = client(&emulator).query(&totals()).unwrap();
    let found: Vec<_> = result
        .series()
        .iter()
        .map(|series| series.labels().get("metric.topic").unwrap())
        .collect();
    let expected: Vec<_> = (0..2500)
        .rev()
        .map(|topic| format!("t{topic:04}"))
        .collect();
    assert_eq!(
        found, expected,
        "every topic once, the greatest value first"
    );
    assert!(
        result
            .series()
            .iter()
            .zip((0..2500).rev())
            .all(|(series, topic)| series.last().unwrap().value == f64::from(topic) + 0.5)
    );
    assert!(result.completeness().is_complete());
    let requests = emulator.requests();
    assert!(requests.len() <= 9, "{} requests", requests.len());
    assert!(
        requests[1]
            .text()
            .contains(r#"{"op":"NOT","filter":{"field":"metric.topic","op":"GT","value":"#)
    );
}

#[test]
fn bisection_requests_both_halves_if_values_do_not_follow_names() {
    let emulator = empty_emulator();
    for topic in 0..2500 {
        // A step without a common factor, so that a full response omits groups on both sides of its
        // middle.
        put_point(
            &emulator,
            &format!("t{topic:04}"),
            0,
            f64::from(topic * 1237 % 2500),
        );
    }
    let result = client(&emulator).query(&totals()).unwrap();
    let topic = |series: &Series| series.labels().get("metric.topic").unwrap().to_owned();
    let mut found: Vec<_> = result.series().iter().map(topic).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        (0..2500)
            .map(|topic| format!("t{topic:04}"))
            .collect::<Vec<_>>(),
        "every topic once"
    );
    assert!(result.completeness().is_complete());
}

#[test]
fn all_beyond_one_response_that_cannot_be_bisected_is_incomplete() {
    let emulator = with_topics(1001);
    let by_two = totals().group_by(["metric.partition"]);
    let error = client(&emulator).query(&by_two).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert_eq!(
        error.to_string(),
        "query of io.confluent.kafka.server/sent_bytes failed: incomplete result: granularity ALL returns at most 1000 groups, and the rest cannot be fetched with several labels in group_by"
    );
    let truncated = client(&emulator)
        .query(&by_two.clone().allow_truncated())
        .unwrap();
    assert_eq!(truncated.series().len(), 1000);
    assert!(
        matches!(truncated.completeness(), Completeness::Truncated { missing, .. } if missing.contains("several labels"))
    );
    let ordered = totals().order(confluent_metrics::Order::Descending);
    assert_eq!(
        client(&emulator).query(&ordered).unwrap_err().kind(),
        ErrorKind::Incomplete
    );
    let mut items: Vec<_> = client(&emulator).query_pages(&by_two).collect();
    assert_eq!(
        items.pop().unwrap().unwrap_err().kind(),
        ErrorKind::Incomplete
    );
    assert_eq!(items.pop().unwrap().unwrap().items().len(), 1000);
    assert!(items.is_empty());
    let top = client(&emulator).query(&totals().limit(3)).unwrap();
    assert_eq!(
        (
            top.series().len(),
            matches!(top.completeness(), Completeness::Limited { .. })
        ),
        (3, true)
    );
}

#[test]
fn a_service_that_ignores_the_bisection_filter_is_detected() {
    let emulator = with_topics(1001);
    let rows = |from: usize| {
        let row = |topic| {
            format!(
                r#"{{"metric.topic":"t{topic:04}","points":[{{"timestamp":"2026-01-08T11:00:00Z","value":1}}]}}"#
            )
        };
        (from..from + 1000).map(row).collect::<Vec<_>>().join(",")
    };
    emulator.fault(
        Fault::status(200)
            .body(format!(r#"{{"data":[{}]}}"#, rows(0)))
            .times(2),
    );
    let error = client(&emulator).query(&totals()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(
        error.to_string().contains("which the filter excludes"),
        "{error}"
    );
    let half = r#"{"data":[{"points":[{"timestamp":"2026-01-08T11:00:00Z","value":1}]}]}"#;
    emulator.fault(Fault::status(200).body(half).skip(1));
    let error = client(&emulator).query(&totals()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("because a group has no metric.topic"),
        "{error}"
    );
    let unlabelled = format!(r#"{{"data":[{},{{"points":[]}}]}}"#, rows(0));
    emulator.fault(Fault::status(200).body(unlabelled));
    let error = client(&emulator).query(&totals()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("because a group has no metric.topic"),
        "{error}"
    );
}

/// Returns a query of the sum of all topics by minute.
fn by_minute(text: &str) -> Query {
    Query::new(SENT, Granularity::OneMinute, interval(text)).filter(Resource::kafka("lkc-1"))
}

#[test]
fn a_deadline_error_reports_progress() {
    let emulator = with_topics(3);
    // Three windows get a response at once, and the others never.
    let stalled = Fault::real_response().delay_head(FOREVER);
    emulator.fault(stalled.skip(3).times(usize::MAX));
    let client = builder(&emulator)
        .deadline(Duration::from_secs(4))
        .build()
        .unwrap();
    let query = by_minute("2026-01-05T00:00:00Z/P3D");
    let started = Instant::now();
    let error = client.query(&query).unwrap_err();
    assert!(
        started.elapsed() < HANG,
        "an attempt ends with the deadline"
    );
    assert!(error.is_timeout() && error.is_transient());
    let text = error.to_string();
    assert!(
        text.contains("deadline of 4s exceeded; 3 of 12 windows completed (3 pages)"),
        "{text}"
    );
    // Twelve windows, three in four seconds.
    let hint = error.hint().unwrap();
    let (_, rest) = hint.split_once("the call would take about ").unwrap();
    let seconds: u64 = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(seconds >= 16, "{hint}");
}

#[test]
fn each_page_of_an_iterator_has_its_own_deadline() {
    let emulator = with_topics(3);
    emulator.fault(
        Fault::real_response()
            .delay_head(Duration::from_millis(1500))
            .times(3),
    );
    emulator.fault(Fault::real_response().delay_head(FOREVER));
    let client = builder(&emulator)
        .deadline(Duration::from_secs(4))
        .build()
        .unwrap();
    let query = by_minute("2026-01-05T00:00:00Z/PT18H");
    let started = Instant::now();
    assert_eq!(client.query_pages(&query).flatten().count(), 3);
    assert!(
        started.elapsed() > Duration::from_secs(4),
        "all of them take longer than one may"
    );
    let error = client.query_pages(&by_topic()).next().unwrap().unwrap_err();
    assert!(
        started.elapsed() < 2 * HANG,
        "an attempt ends with the deadline"
    );
    assert_eq!(error.hint(), Some("raise ClientBuilder::deadline"));
}

#[test]
fn a_start_before_the_retention_is_refused() {
    let emulator = empty_emulator();
    let client = builder(&emulator)
        .retention(Duration::from_secs(7 * 86_400))
        .build()
        .unwrap();
    let old = Granularity::OneHour.floor(Timestamp::now() - Duration::from_secs(9 * 86_400));
    let query = Query::new(
        SENT,
        Granularity::OneHour,
        confluent_metrics::Interval::starting_at(old, Duration::from_secs(3600)),
    )
    .filter(Filter::from(Resource::kafka("lkc-1")));
    let error = client.query(&query).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.hint().unwrap().contains("ClientBuilder::retention"));
    assert_eq!(emulator.requests().len(), 0);
}

/// Returns a page of groups, each a topic, a minute after 11:00 and a value, with the token of the
/// next page.
fn page(groups: &[(&str, i64, f64)], token: Option<&str>) -> String {
    let group = |(topic, minute, value): &(&str, i64, f64)| {
        let at = Timestamp::from_second(NOON - 3600 + minute * 60).unwrap();
        format!(r#"{{"metric.topic":"{topic}","points":[{{"timestamp":"{at}","value":{value}}}]}}"#)
    };
    let groups: Vec<_> = groups.iter().map(group).collect();
    let meta =
        token.map(|token| format!(r#","meta":{{"pagination":{{"next_page_token":"{token}"}}}}"#));
    format!(
        r#"{{"data":[{}]{}}}"#,
        groups.join(","),
        meta.unwrap_or_default()
    )
}

fn script(emulator: &Emulator, responses: &[(u16, String)]) {
    for (status, body) in responses {
        emulator.fault(Fault::status(*status).body(body.clone()));
    }
}

#[test]
fn a_group_on_two_pages_is_merged() {
    let emulator = empty_emulator();
    let first = page(&[("a", 0, 1.0), ("b", 0, 1.0)], Some("t"));
    let second = page(&[("b", 1, 2.0), ("c", 0, 1.0)], None);
    script(&emulator, &[(200, first.clone()), (200, second.clone())]);
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["a 0=1", "b 0=1 1=2", "c 0=1"]
    );

    script(&emulator, &[(200, first), (200, second)]);
    let error = client(&emulator).query(&by_topic().limit(3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.to_string().contains("so the limit cannot be applied"),
        "{error}"
    );

    let contradicting = page(&[("b", 0, 3.0)], None);
    script(
        &emulator,
        &[
            (200, page(&[("b", 0, 1.0)], Some("t"))),
            (200, contradicting),
        ],
    );
    let error = client(&emulator).query(&by_topic()).unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Decode, Some(200))
    );
    assert!(
        error
            .to_string()
            .contains(r#"conflicting values for {metric.topic="b"} at "#),
        "{error}"
    );
}

fn expired() -> (u16, String) {
    (400, r#"{"errors":[{"detail":"expired"}]}"#.to_owned())
}

/// Returns the series that a lazy iterator yields, and its completeness.
fn yielded(emulator: &Emulator, query: &Query) -> (Vec<String>, Option<Completeness>) {
    let mut pages = client(emulator).query_pages(query);
    let series: Vec<Series> = pages
        .by_ref()
        .flat_map(|page| page.unwrap().into_items())
        .collect();
    (render_all(&series), pages.completeness())
}

#[test]
fn after_a_restart_a_result_holds_only_the_second_reading() {
    let emulator = empty_emulator();
    for (first, second, expected) in [
        // A group has disappeared.
        (
            vec![("a", 0, 1.0), ("gone", 0, 1.0)],
            vec![("a", 0, 1.0), ("b", 0, 1.0)],
            ["a 0=1", "b 0=1"],
        ),
        // A bucket has grown.
        (
            vec![("a", 0, 1.0), ("b", 0, 1.0)],
            vec![("a", 0, 5.0), ("b", 0, 1.0)],
            ["a 0=5", "b 0=1"],
        ),
        // A bucket has disappeared, and another is new.
        (
            vec![("a", 0, 1.0), ("b", 0, 1.0)],
            vec![("a", 1, 5.0), ("b", 0, 1.0)],
            ["a 1=5", "b 0=1"],
        ),
    ] {
        script(
            &emulator,
            &[
                (200, page(&first, Some("t"))),
                expired(),
                (200, page(&second, None)),
            ],
        );
        assert_eq!(
            render_all(&client(&emulator).query(&by_topic()).unwrap()),
            expected,
            "{first:?}"
        );
    }
    let flat = |minute: i64, value: f64, token: &str| {
        let at = Timestamp::from_second(NOON - 3600 + minute * 60).unwrap();
        format!(
            r#"{{"data":[{{"timestamp":"{at}","value":{value}}}],"meta":{{"pagination":{{"next_page_token":"{token}"}}}}}}"#
        )
    };
    let second = [(200, flat(0, 2.0, "t")), (200, flat(1, 1.0, ""))];
    script(
        &emulator,
        &[&[(200, flat(0, 1.0, "t")), expired()], &second[..]].concat(),
    );
    assert_eq!(
        render_all(&client(&emulator).query(&all_topics()).unwrap()),
        ["- 0=2 1=1"]
    );
    // Groups may be split over pages.
    let parts = [
        page(&[("a", 0, 1.0), ("b", 0, 1.0)], Some("t")),
        page(&[("b", 1, 2.0)], Some("u")),
        page(&[], None),
    ];
    let [one, two, three] = parts.map(|page| (200, page));
    script(
        &emulator,
        &[one.clone(), two.clone(), expired(), one, two, three],
    );
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["a 0=1", "b 0=1 1=2"]
    );
}

#[test]
fn after_a_restart_a_limit_counts_the_groups_of_the_second_reading() {
    let emulator = empty_emulator();
    let responses = [
        (200, page(&[("a", 0, 1.0), ("c", 0, 1.0)], Some("t"))),
        expired(),
        (200, page(&[("a", 0, 1.0), ("aa", 0, 1.0)], Some("t"))),
        (200, page(&[("b", 0, 1.0), ("c", 0, 1.0)], None)),
    ];
    script(&emulator, &responses);
    let result = client(&emulator).query(&by_topic().limit(3)).unwrap();
    assert_eq!(render_all(&result), ["a 0=1", "aa 0=1", "b 0=1"]);
    assert!(matches!(
        result.completeness(),
        Completeness::Limited { limit: 3, .. }
    ));
    // Groups yielded before the restart count towards the limit.
    script(&emulator, &responses);
    let (found, completeness) = yielded(&emulator, &by_topic().limit(3));
    assert_eq!(found, ["a 0=1", "c 0=1", "aa 0=1"]);
    assert!(
        matches!(completeness, Some(Completeness::Limited { limit: 3, .. })),
        "{completeness:?}"
    );
}

#[test]
fn after_a_restart_a_lazy_iterator_skips_the_groups_yielded_before() {
    let emulator = empty_emulator();
    let first = page(&[("a", 0, 1.0), ("gone", 0, 1.0)], Some("t"));
    let bucket = r#""points":[{"timestamp":"2026-01-08T11:01:00Z","value":1},"#;
    let grown =
        page(&[("a", 0, 5.0), ("b", 0, 1.0)], Some("t")).replacen(r#""points":["#, bucket, 1);
    let responses = [
        (200, first),
        expired(),
        (200, grown),
        (200, page(&[("c", 0, 1.0)], None)),
    ];
    script(&emulator, &responses);
    let (found, completeness) = yielded(&emulator, &by_topic());
    assert_eq!(
        found,
        ["a 0=1", "gone 0=1", "b 0=1", "c 0=1"],
        "no error, and no group twice"
    );
    assert_eq!(completeness, Some(Completeness::Complete));

    // The rest of a group that was split would be lost, so the result is truncated.
    let part = |minute| page(&[("a", minute, 1.0)], Some(&format!("t{minute}")));
    for responses in [
        vec![(200, part(0)), expired(), (200, part(0)), (200, part(1))],
        vec![(200, part(0)), (200, part(1)), expired()],
    ] {
        let emulator = empty_emulator();
        script(&emulator, &responses);
        let error = client(&emulator)
            .query_pages(&by_topic())
            .find_map(Result::err)
            .unwrap();
        assert!(
            matches!(error.kind(), ErrorKind::Decode | ErrorKind::Rejected),
            "{error}"
        );
    }
}

#[test]
fn after_a_restart_a_lazy_iterator_does_not_yield_a_group_again_under_other_labels() {
    let renamed = r#""metric.principal_name":"other","metric.topic":"a""#;
    let other_labels = |body: String| body.replace(r#""metric.topic":"a""#, renamed);
    let emulator = empty_emulator();
    let responses = [
        (200, page(&[("a", 0, 1.0)], Some("t"))),
        expired(),
        (
            200,
            other_labels(page(&[("a", 0, 1.0), ("b", 0, 1.0)], None)),
        ),
    ];
    script(&emulator, &responses);
    let mut pages = client(&emulator).query_pages(&by_topic());
    assert_eq!(
        render_all(pages.next().unwrap().unwrap().items()),
        ["a 0=1"]
    );
    let error = pages.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error
            .to_string()
            .contains("the labels of a group changed after a page token expired"),
        "{error}"
    );

    // A result holds the second reading alone, so the labels may be others.
    let emulator = empty_emulator();
    script(&emulator, &responses);
    let result = client(&emulator).query(&by_topic()).unwrap();
    assert_eq!(render_all(result.series()), ["a 0=1", "b 0=1"]);
}

#[test]
fn each_window_restarts_once_and_independently() {
    let emulator = empty_emulator();
    let query = by_topic().add_interval(interval("2026-01-08T13:00:00Z/PT1H"));
    let reading = |value, minute| {
        [
            (200, page(&[("a", minute, value)], Some("t"))),
            expired(),
            (200, page(&[("a", minute, value + 1.0)], Some("t"))),
            (200, page(&[("b", minute, value)], None)),
        ]
    };
    script(&emulator, &[reading(1.0, 0), reading(5.0, 120)].concat());
    let client = builder(&emulator).concurrency(1).build().unwrap();
    let result = client.query(&query).unwrap();
    assert_eq!(render_all(&result), ["a 0=2 120=6", "b 0=1 120=5"]);
    script(&emulator, &[reading(1.0, 0), reading(5.0, 120)].concat());
    let found = yielded(&emulator, &query).0;
    assert_eq!(found, ["a 0=1", "b 0=1", "a 120=5", "b 120=5"]);
}

/// Returns a response with the groups `t0000` and so on, each with one value.
fn topics(numbers: std::ops::Range<usize>, value: f64) -> String {
    let names: Vec<_> = numbers.map(|topic| format!("t{topic:04}")).collect();
    page(
        &names
            .iter()
            .map(|name| (name.as_str(), 0, value))
            .collect::<Vec<_>>(),
        None,
    )
}

#[test]
fn with_all_every_group_is_from_a_leaf_of_the_bisection() {
    let emulator = empty_emulator();
    // Between the full response and its halves, one group disappears and every value grows.
    let responses = [
        (200, topics(0..1000, 1.0)),
        (200, topics(0..500, 2.0)),
        (200, topics(501..1001, 3.0)),
    ];
    let expected = |topic: usize| format!("t{topic:04} 0={}", if topic < 500 { 2 } else { 3 });
    let expected: Vec<_> = (0..500).chain(501..1001).map(expected).collect();
    script(&emulator, &responses);
    let result = client(&emulator).query(&totals()).unwrap();
    let mut found = render_all(&result);
    found.sort();
    assert_eq!(found, expected);
    assert!(result.completeness().is_complete());
    script(&emulator, &responses);
    let (found, completeness) = yielded(&emulator, &totals());
    assert_eq!(
        (found, completeness),
        (expected, Some(Completeness::Complete))
    );
}

#[test]
fn with_all_an_expired_token_restarts_the_bisection() {
    let emulator = empty_emulator();
    let with_token = |text: String| {
        text.replace(
            "]}]}",
            r#"]}],"meta":{"pagination":{"next_page_token":"t"}}}"#,
        )
    };
    let responses = [
        (200, topics(0..1000, 1.0)),
        (200, with_token(topics(0..400, 2.0))),
        expired(),
        (200, with_token(topics(0..400, 3.0))),
        (200, topics(400..700, 4.0)),
    ];
    script(&emulator, &responses);
    let result = client(&emulator).query(&totals()).unwrap();
    let values = result
        .series()
        .iter()
        .map(|series| series.last().unwrap().value);
    assert_eq!(
        values.collect::<Vec<_>>(),
        [vec![4.0; 300], vec![3.0; 400]].concat()
    );
    script(&emulator, &responses);
    let found = yielded(&emulator, &totals()).0;
    let value = |topic| if topic < 400 { 2 } else { 4 };
    assert_eq!(
        found,
        (0..700)
            .map(|topic| format!("t{topic:04} 0={}", value(topic)))
            .collect::<Vec<_>>()
    );
}

#[test]
fn with_all_the_last_page_of_a_list_may_be_full_too() {
    let emulator = empty_emulator();
    let with_token = |text: String| {
        text.replace(
            "]}]}",
            r#"]}],"meta":{"pagination":{"next_page_token":"t"}}}"#,
        )
    };
    let responses = [
        (200, with_token(topics(0..10, 1.0))),
        (200, topics(10..1010, 1.0)),
        (200, topics(0..510, 2.0)),
        (200, topics(510..1010, 2.0)),
    ];
    script(&emulator, &responses);
    let result = client(&emulator).query(&totals()).unwrap();
    assert_eq!(result.series().len(), 1010);
    assert!(
        result
            .series()
            .iter()
            .all(|series| series.last().unwrap().value == 2.0)
    );
}

#[test]
fn tokens_may_be_the_same_after_a_restart() {
    let emulator = empty_emulator();
    let (first, second) = (
        page(&[("a", 0, 1.0)], Some("t")),
        page(&[("b", 0, 1.0)], None),
    );
    script(
        &emulator,
        &[
            (200, first.clone()),
            (400, "{}".into()),
            (200, first),
            (200, second),
        ],
    );
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["a 0=1", "b 0=1"]
    );
}

#[test]
fn a_token_has_precedence_over_a_link_with_all_too() {
    let emulator = empty_emulator();
    let both = |token: &str| {
        page(&[("a", 0, 1.0)], Some(token))
            .replace(r#","meta""#, r#","links":{"next":"/elsewhere"},"meta""#)
    };
    script(
        &emulator,
        &[(200, both("t")), (200, page(&[("b", 0, 2.0)], None))],
    );
    assert_eq!(
        render_all(&client(&emulator).query(&by_topic()).unwrap()),
        ["a 0=1", "b 0=2"]
    );
    assert!(emulator.requests()[1].target.ends_with("?page_token=t"));

    let topics: Vec<_> = (0..1000).map(|topic| format!("t{topic:04}")).collect();
    let full: Vec<_> = topics
        .iter()
        .map(|topic| (topic.as_str(), 0, 1.0))
        .collect();
    emulator.clear_requests();
    script(
        &emulator,
        &[
            (200, page(&full, Some("t"))),
            (200, page(&[("u", 0, 2.0)], None)),
        ],
    );
    let result = client(&emulator).query(&totals()).unwrap();
    assert_eq!(
        (result.series().len(), emulator.requests().len()),
        (1001, 2)
    );
}

#[test]
fn a_response_to_another_query_is_refused() {
    let emulator = empty_emulator();
    let cached = page(&[("a", 0, 1.0)], None);
    script(&emulator, &[(200, cached.clone()), (200, cached)]);
    let query = by_topic().add_interval(interval("2026-01-08T00:00:00Z/PT1H"));
    let error = client(&emulator).query(&query).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error.to_string().ends_with(
            "response does not match the request: point at 2026-01-08T11:00:00Z is outside 2026-01-08T00:00:00Z/2026-01-08T01:00:00Z"
        ),
        "{error}"
    );
}

#[test]
fn pages_report_completeness_at_the_end() {
    let emulator = with_topics(3);
    let ended = |query: &Query| {
        let mut pages = client(&emulator).query_pages(query);
        assert_eq!(pages.completeness(), None);
        assert!(pages.all(|page| page.is_ok()));
        pages.completeness().unwrap()
    };
    assert_eq!(ended(&by_topic()), Completeness::Complete);
    assert!(matches!(
        ended(&by_topic().limit(2)),
        Completeness::Limited { limit: 2, .. }
    ));
}

#[test]
fn the_clock_is_read_once_per_call_and_floored_to_the_second() {
    let emulator = empty_emulator();
    let latency = |seconds| {
        builder(&emulator)
            .data_latency(Duration::from_secs(seconds))
            .build()
            .unwrap()
    };
    let relative = all_topics().add_interval("PT1H/now".parse().unwrap());
    let body = latency(0).request_bodies(&relative).unwrap().pop().unwrap();
    assert!(!sent_interval(&body).contains('.'), "{body}");
    let last = Query::new(
        SENT,
        Granularity::OneMinute,
        confluent_metrics::Interval::last_minutes(1),
    );
    for seconds in [0, 3600] {
        let earliest = Timestamp::now().as_millisecond() - seconds * 1000 - 60_000;
        let body = latency(seconds as u64)
            .request_bodies(&last)
            .unwrap()
            .remove(0);
        let latest = Timestamp::now().as_millisecond() - seconds * 1000;
        let end: Timestamp = sent_interval(&body)
            .split('/')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        assert!((earliest..=latest).contains(&end.as_millisecond()), "{end}");
    }
}

#[test]
fn unlimited_durations_are_accepted() {
    let emulator = with_topics(1);
    let client = builder(&emulator)
        .deadline(Duration::MAX)
        .attempt_timeout(Duration::MAX)
        .connect_timeout(Duration::MAX)
        .build()
        .unwrap();
    assert_eq!(
        render_all(&client.query(&by_topic()).unwrap()),
        expected_series(1)
    );
}

/// More items than any machine decodes within the deadline of
/// [`the_deadline_ends_the_decoding_of_every_operation`].
const MANY: usize = 400_000;

#[test]
fn the_deadline_ends_the_decoding_of_every_operation() {
    let emulator = Emulator::builder()
        .clock(NOON)
        .demo(false)
        .gzip(false)
        .start();
    let client = builder(&emulator)
        .deadline(Duration::from_millis(400))
        .build()
        .unwrap();
    for operation in OPERATIONS {
        emulator.fault(Fault::status(200).body(operation.response(MANY)));
        let error = (operation.call)(&client).expect_err(operation.method);
        assert!(error.is_timeout(), "{}: {error:?}", operation.method);
        assert!(
            error.to_string().contains("deadline of 400ms exceeded"),
            "{error}"
        );
    }
}
