//! The rate limit.

use crate::client::*;
use confluent_metrics_emulator::Fault;
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
    let emulator = empty().rate_limit(1).rate_window(Duration::from_millis(400)).retry_after(true).start();
    let statuses: Vec<_> = (0..2).map(|_| ask(&emulator, &query(SENT, &json!({})))).collect();
    let refused = statuses.iter().find(|answer| answer.status == 429).expect("one was too many");
    assert_eq!(refused.all("retry-after"), ["1"]);
    std::thread::sleep(Duration::from_millis(450));
    assert_eq!(ask(&emulator, &query(SENT, &json!({}))).status, 200);
}

#[test]
fn without_a_limit_there_are_no_headers() {
    let answer = ask(&empty().start(), &query(SENT, &json!({})));
    assert!(answer.all("ratelimit-limit").is_empty());
}
