//! The rate limit.

use crate::client::*;
use confluent_metrics_emulator::{Fault, RateHeaders};
use serde_json::json;
use std::time::Duration;

#[test]
fn every_response_has_two_sets_of_rate_limit_headers() {
    let emulator = empty().rate_limit(3).start();
    let good = send_query(&emulator, &query(SENT, &json!({})));
    assert_eq!(good.all("ratelimit-limit"), ["3", "180"]);
    assert_eq!(good.all("ratelimit-remaining"), ["2", "179"]);
    let reset: Vec<u64> = good
        .all("ratelimit-reset")
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    assert!(
        (1..=60).contains(&reset[0]) && (3_500..=3_600).contains(&reset[1]),
        "{reset:?}"
    );
    let bad = send_query(&emulator, &json!({}));
    assert_eq!(
        (bad.status, bad.all("ratelimit-remaining")),
        (400, vec!["1", "178"])
    );
    emulator.fault(Fault::status(503));
    let fault = send_query(&emulator, &json!({}));
    assert_eq!(
        (fault.status, fault.all("ratelimit-remaining")),
        (503, vec!["0", "177"])
    );
    let refused = send_query(&emulator, &query(SENT, &json!({})));
    assert_eq!((refused.status, refused.body.as_str()), (429, ""));
    assert_eq!(refused.all("ratelimit-remaining"), ["0", "177"]);
    assert!(refused.all("retry-after").is_empty());
}

#[test]
fn a_window_passes_and_retry_after_is_a_switch() {
    let emulator = empty()
        .rate_limit(1)
        .rate_window(Duration::from_secs(1))
        .retry_after(true)
        .start();
    assert_eq!(send_query(&emulator, &query(SENT, &json!({}))).status, 200);
    let refused = send_query(&emulator, &query(SENT, &json!({})));
    assert_eq!(
        (refused.status, refused.all("retry-after")),
        (429, vec!["1"])
    );
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(send_query(&emulator, &query(SENT, &json!({}))).status, 200);
}

#[test]
fn without_a_limit_there_are_no_headers() {
    let response = send_query(&empty().start(), &query(SENT, &json!({})));
    assert!(response.all("ratelimit-limit").is_empty());
}

/// The lines of a head whose name is a rate limit's, in whatever letter case.
fn lines(head: &str) -> Vec<&str> {
    head.lines()
        .filter(|line| line.to_ascii_lowercase().starts_with("ratelimit-"))
        .collect()
}

#[test]
fn rate_limit_headers_have_three_forms() {
    let response_with = |headers| {
        let emulator = empty()
            .rate_limit(2)
            .operation_limit("query", 1)
            .rate_headers(headers)
            .start();
        let head = Raw::connect(&emulator)
            .send(&raw_query(&emulator, ""))
            .read_response()
            .0;
        assert_eq!(
            send_query(&emulator, &query(SENT, &json!({}))).status,
            429,
            "it holds in every form"
        );
        head
    };
    assert_eq!(
        lines(&response_with(RateHeaders::Repeated)),
        [
            "rateLimit-limit: 2",
            "rateLimit-remaining: 1",
            "rateLimit-reset: 60",
            "rateLimit-limit: 1",
            "rateLimit-remaining: 0",
            "rateLimit-reset: 60"
        ]
    );
    assert_eq!(
        lines(&response_with(RateHeaders::Joined)),
        [
            "rateLimit-limit: 2, 1",
            "rateLimit-remaining: 1, 0",
            "rateLimit-reset: 60, 60"
        ]
    );
    assert_eq!(lines(&response_with(RateHeaders::None)), Vec::<&str>::new());
}

#[test]
fn an_operation_is_used_up_while_others_go_on() {
    let emulator = empty().rate_limit(6).operation_limit("query", 2).start();
    let list = || {
        let url = format!("{}/v2/metrics/cloud/descriptors/metrics", emulator.url());
        read(agent(&emulator).get(url).call().expect("a response")).expect("a body")
    };
    for left in ["1", "0"] {
        assert_eq!(
            send_query(&emulator, &query(SENT, &json!({}))).all("ratelimit-remaining")[1],
            left
        );
    }
    let refused = send_query(&emulator, &query(SENT, &json!({})));
    assert_eq!(
        (refused.status, refused.all("ratelimit-remaining")),
        (429, vec!["4", "0"])
    );
    assert_eq!(
        refused.details(),
        [
            "Too many requests have been made for the following operations: query. Please see the documentation \
          for current rate limits."
        ]
    );
    for left in ["3", "2", "1", "0"] {
        let response = list();
        assert_eq!(
            (response.status, response.all("ratelimit-remaining")[0]),
            (200, left)
        );
    }
    let all = list();
    assert_eq!(
        (all.status, all.body.as_str(), all.all("ratelimit-limit")),
        (429, "", vec!["6", "360"])
    );
    assert_eq!(emulator.rate_limited(), 2);
}

#[test]
fn only_earned_refusals_are_counted() {
    let emulator = empty().rate_limit(1).start();
    emulator.fault(Fault::status(429));
    assert_eq!(
        (
            send_query(&emulator, &json!({})).status,
            emulator.rate_limited()
        ),
        (429, 0)
    );
    emulator.fault(Fault::status(503));
    assert_eq!(
        (
            send_query(&emulator, &json!({})).status,
            emulator.rate_limited()
        ),
        (503, 1)
    );
    assert_eq!(
        (
            send_query(&emulator, &json!({})).status,
            emulator.rate_limited()
        ),
        (429, 2)
    );
    let free = empty().start();
    free.fault(Fault::status(429));
    assert_eq!(
        (send_query(&free, &json!({})).status, free.rate_limited()),
        (429, 0)
    );
}

#[test]
fn a_fault_may_tell_any_limit_on_any_status() {
    let emulator = empty().rate_limit(1).retry_after(true).start();
    for status in [200, 503] {
        emulator.fault(
            Fault::status(status)
                .header("RATELIMIT-Remaining", "0")
                .header("retry-AFTER", "-1"),
        );
        let head = Raw::connect(&emulator)
            .send(&raw_query(&emulator, ""))
            .read_response()
            .0;
        assert_eq!(lines(&head), ["RATELIMIT-Remaining: 0"]);
        let waits: Vec<_> = head
            .lines()
            .filter(|line| line.to_ascii_lowercase().starts_with("retry"))
            .collect();
        assert_eq!(waits, ["retry-AFTER: -1"]);
    }
    let date = "Thu, 01 Jan 2026 12:00:09 GMT";
    emulator.fault(
        Fault::real_response()
            .header("Retry-After", date)
            .header("Retry-After", "soon"),
    );
    let refused = send_query(&emulator, &query(SENT, &json!({})));
    assert_eq!(
        (refused.status, refused.all("retry-after")),
        (429, vec![date, "soon"])
    );
    assert_eq!(
        refused.all("ratelimit-limit"),
        ["1", "60"],
        "the real ones stay where there are no others"
    );
}

#[test]
fn exports_are_counted_by_resource_and_caller() {
    let emulator = empty().export_limit(2).retry_after(true).start();
    let export = |query: &str, authorization: &str| {
        get(
            &emulator,
            &format!("/v2/metrics/cloud/export?{query}"),
            authorization,
            "",
        )
    };
    let (key, reader) = (cloud(&emulator), basic(emulator.reader_key()));
    let first = export("resource.kafka.id=lkc-1", &key);
    assert_eq!(
        (first.status, first.all("ratelimit-limit")),
        (200, vec!["1000000", "2"])
    );
    assert_eq!(first.all("ratelimit-remaining"), ["999999", "1"]);
    assert_eq!(first.all("ratelimit-reset"), ["60", "3600"]);
    let second = export("resource_kafka_id=lkc-2,lkc-1", &key);
    assert_eq!(
        (second.status, second.all("ratelimit-remaining")[1]),
        (200, "0"),
        "the least that is left"
    );
    let refused = export(
        "resource.kafka.id=lkc-2,lkc-1&resource.ksql.id=lksqlc-1",
        &key,
    );
    assert_eq!(
        (refused.status, refused.all("ratelimit-remaining")[1]),
        (429, "0")
    );
    assert_eq!(
        refused.details(),
        [
            "Too many requests have been made for the following resources: kafka.id:lkc-1. Please see the documentation \
          for current rate limits."
        ]
    );
    let wait: u64 = refused.all("retry-after")[0].parse().expect("seconds");
    assert!((3_500..=3_600).contains(&wait), "{wait}");
    assert_eq!(
        export("resource.kafka.id=lkc-1", &reader).status,
        200,
        "another caller"
    );
    let bearer = format!("Bearer {}", emulator.bearer_token());
    assert_eq!(
        export("resource.kafka.id=lkc-1", &bearer).status,
        200,
        "and another"
    );
    assert_eq!(
        export("resource.kafka.id=lkc-2", &key).status,
        200,
        "what was refused used nothing up"
    );
    let both = export("resource.kafka.id=lkc-1&resource.kafka.id=lkc-2", &key);
    assert!(
        both.details()[0].contains("resources: kafka.id:lkc-1,kafka.id:lkc-2."),
        "{}",
        both.body
    );
    assert_eq!(
        export("resource.kafka.id=lkc-1", "").status,
        401,
        "a stranger uses nothing up"
    );
    assert_eq!(
        send_query(&emulator, &query(SENT, &json!({}))).status,
        200,
        "other operations go on"
    );
    assert_eq!(emulator.rate_limited(), 2);
}

#[test]
fn the_export_limit_is_sent_in_every_form() {
    let emulator = empty()
        .rate_limit(9)
        .export_limit(3)
        .export_window(Duration::from_secs(7))
        .rate_headers(RateHeaders::Joined);
    let emulator = emulator.start();
    let path = "/v2/metrics/cloud/export?resource.kafka.id=lkc-1";
    let response = get(&emulator, path, &cloud(&emulator), "");
    assert_eq!(response.all("ratelimit-limit"), ["9, 3"]);
    assert_eq!(response.all("ratelimit-reset"), ["60, 7"]);
    let silent = empty()
        .export_limit(1)
        .rate_headers(RateHeaders::None)
        .start();
    let statuses: Vec<_> = (0..2)
        .map(|_| get(&silent, path, &cloud(&silent), "").status)
        .collect();
    assert_eq!(statuses, [200, 429]);
}
