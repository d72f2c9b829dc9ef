//! Intervals in every operation: a complete result has only full, settled buckets within the
//! retention.

use std::time::Duration;

use confluent_metrics::check::{Check, Missing, Reduce, Status, Threshold};
use confluent_metrics::{
    AttributeQuery, Client, Completeness, Error, ErrorKind, Granularity, Interval, Query,
    QueryResult, Resource, Timestamp,
};
use confluent_metrics_emulator::{Emulator, Fault};

use crate::support::{NOON, SENT, all_topics, builder, empty_emulator, interval};

const DAY: Duration = Duration::from_secs(86_400);

/// Returns a client with the retention of the service, seven days.
fn retaining(emulator: &Emulator) -> Client {
    builder(emulator).retention(7 * DAY).build().unwrap()
}

fn sent_bytes(granularity: Granularity, interval: Interval) -> Query {
    Query::new(SENT, granularity, interval).filter(Resource::kafka("lkc-1"))
}

fn topics(interval: Interval) -> AttributeQuery {
    AttributeQuery::new(SENT, ["metric.topic"])
        .filter(Resource::kafka("lkc-1"))
        .interval(interval)
}

fn ago(distance: Duration) -> Timestamp {
    Timestamp::now() - distance
}

/// Returns the errors of all calls that send a query.
fn errors(client: &Client, query: &Query) -> Vec<Error> {
    vec![
        client.query(query).unwrap_err(),
        client.query_pages(query).last().unwrap().unwrap_err(),
        client.request_bodies(query).unwrap_err(),
    ]
}

/// Returns the only sentence of a check that is unknown even if missing data passes.
fn unknown(client: &Client, query: &Query) -> String {
    let check = Check::new(query.clone())
        .reduce(Reduce::Sum)
        .critical(Threshold::above(1e300));
    let report = check.on_missing(Missing::Ok).run(client);
    assert_eq!(report.status(), Status::Unknown, "{report}");
    report.findings()[0].reason().to_owned()
}

#[test]
fn a_week_of_days_is_refused_before_anything_is_sent_and_the_hint_names_complete_intervals() {
    let emulator = Emulator::start();
    let client = retaining(&emulator);
    for (granularity, interval) in [
        (Granularity::OneDay, Interval::last_days(7)),
        (Granularity::OneHour, Interval::last_hours(191)),
    ] {
        let query = sent_bytes(granularity, interval);
        let longest = if granularity == Granularity::OneDay {
            "last/P5D"
        } else {
            "last/P6DT22H"
        };
        for error in errors(&client, &query) {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(
                error
                    .to_string()
                    .contains(&format!("interval {interval}, one bucket of ")),
                "{error}"
            );
            let hint = error.hint().unwrap();
            for named in ["Interval::retained", longest, "ClientBuilder::retention"] {
                assert!(hint.contains(named), "{named} in {hint}");
            }
        }
        assert!(unknown(&client, &query).contains(longest));
    }
    for interval in [
        Interval::last_days(7),
        Interval::between(ago(8 * DAY), ago(7 * DAY)),
    ] {
        let error = client.attributes(&topics(interval)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.hint().unwrap().contains("Interval::retained"));
    }
    assert_eq!(emulator.requests().len(), 0);
}

#[test]
fn the_longest_last_and_retained_are_complete_and_cover_full_buckets() {
    let emulator = Emulator::start();
    let client = retaining(&emulator);
    for (granularity, interval, buckets) in [
        (Granularity::OneDay, Interval::last_days(5), 5..=5),
        (Granularity::OneDay, Interval::retained(), 5..=6),
        (Granularity::OneHour, Interval::last_hours(166), 166..=166),
        (Granularity::OneHour, Interval::retained(), 166..=167),
    ] {
        let result = client.query(&sent_bytes(granularity, interval)).unwrap();
        assert_eq!(*result.completeness(), Completeness::Complete);
        assert_eq!((result.metric(), result.granularity()), (SENT, granularity));
        let [(start, end)] = *result.intervals() else {
            panic!("{:?}", result.intervals())
        };
        assert!(start >= ago(7 * DAY) && end <= ago(Duration::from_secs(180)));
        let points = result.series()[0].points();
        let width = granularity.duration().unwrap();
        assert!(
            buckets.contains(&points.len()),
            "{interval} has {} buckets",
            points.len()
        );
        assert_eq!(
            (
                points[0].timestamp,
                points[points.len() - 1].timestamp + width
            ),
            (start, end)
        );
        let raw: f64 = emulator
            .raw_points(SENT, start.as_second(), end.as_second())
            .iter()
            .filter(|point| point.labels.iter().any(|(_, value)| value == "lkc-1"))
            .map(|point| point.value)
            .sum();
        let sum: f64 = points.iter().map(|point| point.value).sum();
        assert!((sum / raw - 1.0).abs() < 1e-9, "{interval}: {sum} of {raw}");
    }
}

#[test]
fn buckets_that_are_gone_are_left_out_and_the_result_says_so() {
    let emulator = Emulator::start();
    let client = retaining(&emulator);
    let query = sent_bytes(Granularity::OneHour, Interval::last_hours(191)).allow_truncated();
    let result = client.query(&query).unwrap();
    assert!(!result.completeness().is_complete());
    let text = result.completeness().to_string();
    assert!(
        text.starts_with("truncated: buckets of ")
            && text.contains("the service keeps points for P7D"),
        "{text}"
    );
    assert!(result.intervals()[0].0 >= ago(7 * DAY + Duration::from_secs(60)));
    assert!(result.series()[0].points()[0].timestamp >= result.intervals()[0].0);
    assert!((166..=168).contains(&result.series()[0].points().len()));
    let all = sent_bytes(Granularity::All, Interval::last_days(8)).allow_truncated();
    let whole = client.query(&all).unwrap();
    let (start, _) = whole.intervals()[0];
    assert!(start >= ago(7 * DAY + Duration::from_secs(60)) && start.as_second() % 60 == 0);
    assert!(!whole.completeness().is_complete());
    let mut pages = client.query_pages(&query);
    assert!(pages.by_ref().all(|page| page.is_ok()));
    assert!(matches!(
        pages.completeness(),
        Some(Completeness::Truncated { .. })
    ));
    assert!(unknown(&client, &query).contains("the service keeps points for P7D"));
    // All of the interval is beyond the retention, so nothing is sent.
    emulator.clear_requests();
    let old = Granularity::OneHour.floor(ago(9 * DAY));
    let gone =
        sent_bytes(Granularity::OneHour, Interval::starting_at(old, DAY / 24)).allow_truncated();
    let result = client.query(&gone).unwrap();
    assert!(result.series().is_empty() && result.intervals().is_empty());
    assert!(matches!(
        result.completeness(),
        Completeness::Truncated { .. }
    ));
    assert_eq!(emulator.requests().len(), 0);
}

/// Runs a call in which the first minute of the interval expires before the response arrives.
fn late<T>(run: impl Fn(&Client, Interval) -> Result<T, Error>) -> Result<T, Error> {
    for _ in 0..10 {
        let emulator = Emulator::start();
        emulator.fault(Fault::real_response().delay_head(Duration::from_secs(3)));
        let start = Granularity::OneMinute.floor(ago(Duration::from_secs(3600)));
        let retention = Timestamp::now().duration_since(start) + Duration::from_secs(2);
        let client = builder(&emulator).retention(retention).build().unwrap();
        match run(
            &client,
            Interval::starting_at(start, Duration::from_secs(600)),
        ) {
            // On a machine that paused for two seconds, the start had expired before the request.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {}
            result => return result,
        }
    }
    panic!("the machine stands still");
}

#[test]
fn a_window_whose_start_is_gone_when_its_response_arrives_is_incomplete() {
    let query = |interval| sent_bytes(Granularity::OneMinute, interval);
    std::thread::scope(|scope| {
        let whole =
            scope.spawn(|| late(|client, interval| client.query(&query(interval)).map(|_| ())));
        let pages = scope.spawn(|| {
            late(|client, interval| {
                client
                    .query_pages(&query(interval))
                    .last()
                    .unwrap()
                    .map(|_| ())
            })
        });
        let attributes = scope
            .spawn(|| late(|client, interval| client.attributes(&topics(interval)).map(|_| ())));
        let truncated = scope
            .spawn(|| late(|client, interval| client.query(&query(interval).allow_truncated())));
        for call in [whole, pages, attributes] {
            let error = call.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete);
            assert!(
                error.to_string().contains("were gone when it responded"),
                "{error}"
            );
            assert!(error.hint().unwrap().contains("Interval::retained"));
        }
        let truncated = truncated.join().unwrap().unwrap();
        assert!(
            truncated
                .completeness()
                .to_string()
                .contains("were gone when it responded")
        );
        assert_eq!(
            truncated.series()[0].points().len(),
            9,
            "the first bucket is left out"
        );
    });
}

#[test]
fn the_end_is_settled_or_refused_or_makes_the_result_truncated() {
    let emulator = Emulator::start();
    let client = retaining(&emulator);
    let minute = |interval| sent_bytes(Granularity::OneMinute, interval);
    for text in [
        "now-1h/now",
        "PT1H/now",
        "now-1h/now+5m",
        "now-1h|h/now+1d|d",
        "now-1h/9999-01-01T00:00:00Z",
    ] {
        let result = client.query(&minute(interval(text))).unwrap();
        let end = result.intervals()[0].1;
        assert!(end <= ago(Duration::from_secs(180)), "{text} ends at {end}");
        assert!(result.completeness().is_complete(), "{text}");
        assert_eq!(
            result.series()[0].last().unwrap().timestamp + Duration::from_secs(60),
            end,
            "{text}"
        );
    }
    emulator.clear_requests();
    let now = Granularity::OneMinute.floor(Timestamp::now());
    let recent = minute(Interval::ending_at(now, Duration::from_secs(3600)));
    for error in errors(&client, &recent) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .ends_with("later buckets are still filling up"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("Interval::within"));
    }
    assert!(unknown(&client, &recent).contains("still filling up"));
    assert_eq!(emulator.requests().len(), 0);
    let result = client.query(&recent.clone().allow_truncated()).unwrap();
    assert!(matches!(
        result.completeness(),
        Completeness::Truncated { .. }
    ));
    assert_eq!(result.intervals()[0].1, now);
    assert!(unknown(&client, &recent.allow_truncated()).contains("still filling up"));
    // Attributes have no buckets.
    let topics = topics(Interval::ending_at(
        Timestamp::now(),
        Duration::from_millis(3_600_001),
    ));
    assert_eq!(client.attributes(&topics).unwrap().len(), 12);
}

#[test]
fn times_off_the_grid_are_refused_and_within_takes_the_buckets_inside() {
    let emulator = empty_emulator();
    let client = builder(&emulator).build().unwrap();
    for minute in 0..3 * 1440 {
        emulator.put(
            SENT,
            &[("resource.kafka.id", "lkc-1")],
            NOON - 86_400 * 3 + minute * 60,
            1.0,
        );
    }
    let new_york = interval("2026-01-06T00:00-05:00/2026-01-07T00:00-05:00");
    let off_grid = sent_bytes(Granularity::OneDay, new_york);
    for error in errors(&client, &off_grid) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for named in [
            "bucket borders of P1D",
            "2026-01-06T00:00:00Z/2026-01-07T00:00:00Z",
            "2026-01-07T00:00:00Z/2026-01-08T00:00:00Z",
            "Interval::within",
        ] {
            assert!(error.to_string().contains(named), "{named} in {error}");
        }
    }
    assert!(unknown(&client, &off_grid).contains("Interval::within"));
    let report = Check::new(off_grid.clone())
        .critical(Threshold::above(1.0))
        .run(&client);
    assert_eq!(report.status(), Status::Unknown);
    let body = br#"{"data":[{"timestamp":"2026-01-07T00:00:00Z","value":1440}]}"#;
    assert_eq!(
        QueryResult::from_json(&off_grid, body).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert_eq!(emulator.requests().len(), 0);

    let (start, end) = (
        "2026-01-06T05:00:00Z".parse().unwrap(),
        "2026-01-07T05:00:00Z".parse().unwrap(),
    );
    let nothing = client
        .query(&sent_bytes(
            Granularity::OneDay,
            Interval::within(start, end),
        ))
        .unwrap();
    assert!(nothing.series().is_empty() && nothing.intervals().is_empty());
    assert_eq!(emulator.requests().len(), 0, "no day lies inside");
    let hours = client
        .query(&sent_bytes(
            Granularity::SixHours,
            Interval::within(start, end),
        ))
        .unwrap();
    assert_eq!(hours.series()[0].points().len(), 3);
    assert_eq!(
        hours.intervals()[0].0,
        "2026-01-06T06:00:00Z".parse().unwrap()
    );
    // Attributes have no buckets.
    client.attributes(&topics(new_york)).unwrap();
    assert!(
        emulator
            .requests()
            .last()
            .unwrap()
            .text()
            .contains("2026-01-06T05:00:00Z/2026-01-07T05:00:00Z")
    );
}

#[test]
fn an_interval_without_a_bucket_yet_sends_nothing_and_is_no_error() {
    let emulator = Emulator::start();
    let client = retaining(&emulator);
    let deploy = ago(Duration::from_secs(60));
    for interval in [
        Interval::since(deploy),
        Interval::within(deploy, deploy + DAY),
    ] {
        let query = sent_bytes(Granularity::OneMinute, interval);
        let result = client.query(&query).unwrap();
        assert!(result.series().is_empty() && result.intervals().is_empty());
        assert!(result.completeness().is_complete());
        let mut pages = client.query_pages(&query);
        assert!(pages.next().is_none());
        assert_eq!(pages.completeness(), Some(Completeness::Complete));
        assert_eq!(client.request_bodies(&query).unwrap(), [""; 0]);
        assert!(unknown(&client, &query).contains("no complete bucket"));
    }
    assert!(
        client
            .attributes(&topics(Interval::since(deploy)))
            .unwrap()
            .is_empty()
    );
    assert_eq!(emulator.requests().len(), 0);
    let earlier = sent_bytes(
        Granularity::OneMinute,
        Interval::since(ago(Duration::from_secs(600))),
    );
    let result = client.query(&earlier).unwrap();
    assert!((6..=7).contains(&result.series()[0].points().len()));
}

#[test]
fn an_interval_that_is_shifted_back_has_the_same_length_and_time_of_day() {
    let emulator = Emulator::start();
    let client = retaining(&emulator);
    for text in ["last/PT1H", "now-90m/now"] {
        let query = sent_bytes(Granularity::FiveMinutes, interval(text))
            .add_interval(interval(text).shifted_back(DAY));
        let result = client.query(&query).unwrap();
        let [(start, end), (today, now)] = *result.intervals() else {
            panic!("{:?}", result.intervals())
        };
        assert_eq!((start + DAY, end + DAY), (today, now), "{text}");
    }
    emulator.clear_requests();
    let half = sent_bytes(
        Granularity::OneHour,
        Interval::last_hours(1).shifted_back(DAY / 48),
    );
    assert_eq!(
        client.query(&half).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    assert_eq!(emulator.requests().len(), 0);
}

/// Runs every call that takes an interval.
fn calls(client: &Client, interval: Interval) -> Vec<Result<(), Error>> {
    let query = sent_bytes(Granularity::OneMinute, interval);
    vec![
        client.query(&query).map(|_| ()),
        client.query_pages(&query).last().unwrap().map(|_| ()),
        client.attributes(&topics(interval)).map(|_| ()),
    ]
}

#[test]
fn a_relative_interval_fails_if_the_clocks_differ_and_an_absolute_one_does_not() {
    let relative = |now: Timestamp| {
        let deploy = now - Duration::from_secs(7200);
        vec![
            Interval::last_hours(1),
            interval("now-1h/now"),
            interval("now-1h/now@-P1D"),
            interval("2026-01-01T00:00:00Z/now").shifted_back(Duration::ZERO),
            Interval::since(deploy),
            Interval::within(deploy, now),
        ]
    };
    let absolute = Interval::starting_at(
        Granularity::OneDay.floor(ago(2 * DAY)),
        Duration::from_secs(3600),
    );
    for offset in [-900, 900, -90, 90] {
        let emulator = Emulator::builder().date_offset(offset).start();
        let client = builder(&emulator).build().unwrap();
        for interval in relative(Timestamp::now()) {
            for result in calls(&client, interval) {
                let error = result.unwrap_err();
                assert_eq!(
                    error.kind(),
                    ErrorKind::ClockSkew,
                    "{interval} with {offset}: {error}"
                );
                assert!(
                    error
                        .to_string()
                        .contains("clock skew: this machine's clock reads 20"),
                    "{error}"
                );
                assert!(error.hint().unwrap().contains("clock") && !error.is_transient());
            }
        }
        let unset = AttributeQuery::new(SENT, ["metric.topic"]).filter(Resource::kafka("lkc-1"));
        assert_eq!(
            client.attributes(&unset).unwrap_err().kind(),
            ErrorKind::ClockSkew
        );
        let text = unknown(
            &client,
            &sent_bytes(Granularity::OneMinute, Interval::last_hours(1)),
        );
        assert!(text.contains("clock skew"), "{text}");
        for result in calls(&client, absolute) {
            result.unwrap();
        }
        client.metric_descriptors().unwrap();
    }
}

#[test]
fn a_date_that_is_near_absent_or_unreadable_is_not_judged() {
    for emulator in [
        Emulator::start(),
        Emulator::builder().date_offset(-50).start(),
        Emulator::builder().date_offset(50).start(),
        Emulator::builder().without_date().start(),
    ] {
        let client = builder(&emulator).build().unwrap();
        for result in calls(&client, Interval::last_hours(1)) {
            result.unwrap();
        }
    }
    let emulator = Emulator::start();
    let client = builder(&emulator).build().unwrap();
    for date in [
        "yesterday",
        "Thu, 08 Jan 2026 12:00 GMT",
        "2026-01-08T12:00:00Z",
        "0",
        "",
    ] {
        emulator.fault(Fault::real_response().header("Date", date));
        client
            .query(&sent_bytes(Granularity::OneMinute, Interval::last_hours(1)))
            .unwrap();
    }
    emulator.fault(Fault::real_response().header("Date", "Thu, 08 Jan 2026 12:00:00 GMT"));
    let query = sent_bytes(Granularity::OneMinute, Interval::last_hours(1));
    let error = client.query(&query).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ClockSkew);
    assert!(
        error
            .to_string()
            .ends_with(", the service's 2026-01-08T12:00:00Z"),
        "{error}"
    );
    // The time of the request is not counted as clock skew.
    emulator.fault(Fault::real_response().delay_head(Duration::from_millis(1500)));
    client.query(&query).unwrap();
}

#[test]
fn windows_of_a_kept_response_are_checked_for_absolute_intervals_alone() {
    let body = br#"{"data":[{"timestamp":"2026-01-08T10:59:00Z","value":1}]}"#;
    let absolute = all_topics();
    let error = QueryResult::from_json(&absolute, body).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(
        error
            .to_string()
            .contains("point at 2026-01-08T10:59:00Z is outside"),
        "{error}"
    );
    let wider = absolute
        .clone()
        .add_interval(interval("2026-01-08T10:00:00Z/PT1H"));
    let result = QueryResult::from_json(&wider, body).unwrap();
    assert_eq!(result.intervals().len(), 1);
    assert_eq!(
        result.intervals()[0].0,
        "2026-01-08T10:00:00Z".parse().unwrap()
    );
    let relative = absolute.add_interval(Interval::last_hours(1));
    let result = QueryResult::from_json(&relative, body).unwrap();
    assert!(result.intervals().is_empty());
    assert_eq!(
        (result.metric(), result.granularity()),
        (SENT, Granularity::OneMinute)
    );
}

#[test]
fn a_point_at_the_end_is_outside_since_its_bucket_may_still_be_filling_up() {
    let emulator = empty_emulator();
    let client = builder(&emulator).build().unwrap();
    let body = r#"{"data":[{"timestamp":"2026-01-08T12:00:00Z","value":1}]}"#;
    let query = all_topics();
    emulator.fault(Fault::status(200).body(body).times(2));
    let from_json = QueryResult::from_json(&query, body.as_bytes()).map(|_| ());
    let calls = [
        client.query(&query).map(|_| ()),
        client.query_pages(&query).last().unwrap().map(|_| ()),
        from_json,
    ];
    for call in calls {
        let error = call.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(
            error
                .to_string()
                .contains("point at 2026-01-08T12:00:00Z is outside"),
            "{error}"
        );
    }
}
