//! The rate limit.

use crate::client::*;
use confluent_metrics_emulator::{Fault, RateHeaders};
use serde_json::json;
use std::time::Duration;

#[test]
fn two_scopes_are_told_on_every_answer() {
    let emulator = empty().rate_limit(3).start();
    let good = ask(&emulator, &query(SENT, &json!({})));
    assert_eq!(good.all("ratelimit-limit"), ["3", "180"]);
    assert_eq!(good.all("ratelimit-remaining"), ["2", "179"]);
    let reset: Vec<u64> = good.all("ratelimit-reset").iter().filter_map(|text| text.parse().ok()).collect();
    assert!((1..=60).contains(&reset[0]) && (3_500..=3_600).contains(&reset[1]), "{reset:?}");
    let bad = ask(&emulator, &json!({}));
    assert_eq!((bad.status, bad.all("ratelimit-remaining")), (400, vec!["1", "178"]));
    emulator.fault(Fault::status(503));
    let fault = ask(&emulator, &json!({}));
    assert_eq!((fault.status, fault.all("ratelimit-remaining")), (503, vec!["0", "177"]));
    let refused = ask(&emulator, &query(SENT, &json!({})));
    assert_eq!((refused.status, refused.body.as_str()), (429, ""));
    assert_eq!(refused.all("ratelimit-remaining"), ["0", "177"]);
    assert!(refused.all("retry-after").is_empty());
}

#[test]
fn a_window_passes_and_retry_after_is_a_switch() {
    let emulator = empty().rate_limit(1).rate_window(Duration::from_secs(1)).retry_after(true).start();
    assert_eq!(ask(&emulator, &query(SENT, &json!({}))).status, 200);
    let refused = ask(&emulator, &query(SENT, &json!({})));
    assert_eq!((refused.status, refused.all("retry-after")), (429, vec!["1"]));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(ask(&emulator, &query(SENT, &json!({}))).status, 200);
}

#[test]
fn without_a_limit_there_are_no_headers() {
    let answer = ask(&empty().start(), &query(SENT, &json!({})));
    assert!(answer.all("ratelimit-limit").is_empty());
}

/// The lines of a head whose name is a rate limit's, in whatever letter case.
fn lines(head: &str) -> Vec<&str> {
    head.lines().filter(|line| line.to_ascii_lowercase().starts_with("ratelimit-")).collect()
}

#[test]
fn limits_are_told_in_three_forms() {
    let told = |headers| {
        let emulator = empty().rate_limit(2).operation_limit("query", 1).rate_headers(headers).start();
        let head = Raw::connect(&emulator).send(&whole(&emulator, "")).answer().0;
        assert_eq!(ask(&emulator, &query(SENT, &json!({}))).status, 429, "it holds in every form");
        head
    };
    assert_eq!(
        lines(&told(RateHeaders::Repeated)),
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
        lines(&told(RateHeaders::Joined)),
        ["rateLimit-limit: 2, 1", "rateLimit-remaining: 1, 0", "rateLimit-reset: 60, 60"]
    );
    assert_eq!(lines(&told(RateHeaders::None)), Vec::<&str>::new());
}

#[test]
fn an_operation_is_used_up_while_others_go_on() {
    let emulator = empty().rate_limit(6).operation_limit("query", 2).start();
    let list = || {
        let url = format!("{}/v2/metrics/cloud/descriptors/metrics", emulator.url());
        read(agent(&emulator).get(url).call().expect("an answer")).expect("a body")
    };
    for left in ["1", "0"] {
        assert_eq!(ask(&emulator, &query(SENT, &json!({}))).all("ratelimit-remaining")[1], left);
    }
    let refused = ask(&emulator, &query(SENT, &json!({})));
    assert_eq!((refused.status, refused.all("ratelimit-remaining")), (429, vec!["4", "0"]));
    assert_eq!(
        refused.details(),
        [
            "Too many requests have been made for the following operations: query. Please see the documentation \
          for current rate limits."
        ]
    );
    for left in ["3", "2", "1", "0"] {
        let answer = list();
        assert_eq!((answer.status, answer.all("ratelimit-remaining")[0]), (200, left));
    }
    let all = list();
    assert_eq!((all.status, all.body.as_str(), all.all("ratelimit-limit")), (429, "", vec!["6", "360"]));
    assert_eq!(emulator.rate_limited(), 2);
}

#[test]
fn only_earned_refusals_are_counted() {
    let emulator = empty().rate_limit(1).start();
    emulator.fault(Fault::status(429));
    assert_eq!((ask(&emulator, &json!({})).status, emulator.rate_limited()), (429, 0));
    emulator.fault(Fault::status(503));
    assert_eq!((ask(&emulator, &json!({})).status, emulator.rate_limited()), (503, 1));
    assert_eq!((ask(&emulator, &json!({})).status, emulator.rate_limited()), (429, 2));
    let free = empty().start();
    free.fault(Fault::status(429));
    assert_eq!((ask(&free, &json!({})).status, free.rate_limited()), (429, 0));
}

#[test]
fn a_fault_may_tell_any_limit_on_any_status() {
    let emulator = empty().rate_limit(1).retry_after(true).start();
    for status in [200, 503] {
        emulator.fault(Fault::status(status).header("RATELIMIT-Remaining", "0").header("retry-AFTER", "-1"));
        let head = Raw::connect(&emulator).send(&whole(&emulator, "")).answer().0;
        assert_eq!(lines(&head), ["RATELIMIT-Remaining: 0"]);
        let waits: Vec<_> =
            head.lines().filter(|line| line.to_ascii_lowercase().starts_with("retry")).collect();
        assert_eq!(waits, ["retry-AFTER: -1"]);
    }
    let date = "Thu, 01 Jan 2026 12:00:09 GMT";
    emulator.fault(Fault::answer().header("Retry-After", date).header("Retry-After", "soon"));
    let refused = ask(&emulator, &query(SENT, &json!({})));
    assert_eq!((refused.status, refused.all("retry-after")), (429, vec![date, "soon"]));
    assert_eq!(refused.all("ratelimit-limit"), ["1", "60"], "the real ones stay where there are no others");
}
