//! Pages and their tokens.

use crate::client::*;
use confluent_metrics_emulator::Emulator;
use serde_json::{Value, json};
use std::time::Duration;

fn ten_topics(emulator: &Emulator) {
    for number in 0..10 {
        put(emulator, &format!("t{number}"), 0, f64::from(number));
    }
}

fn by_topic(more: &Value) -> String {
    let mut body = query(
        SENT,
        &json!({"group_by": ["metric.topic"], "format": "GROUPED"}),
    );
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

fn page(emulator: &Emulator, body: &str, token: Option<&str>) -> HttpResponse {
    let path = match token {
        Some(token) => format!("/v2/metrics/cloud/query?page_token={}", encoded(token)),
        None => "/v2/metrics/cloud/query".to_owned(),
    };
    post(&agent(emulator), emulator, &path, &cloud(emulator), body).expect("a response")
}

fn topics(response: &HttpResponse) -> Vec<String> {
    let json = response.json();
    let rows = json["data"].as_array().expect("rows").iter();
    rows.map(|row| row["metric.topic"].as_str().expect("a topic").to_owned())
        .collect()
}

#[test]
fn pages_hold_every_group_once_and_in_order() {
    let emulator = empty().start();
    ten_topics(&emulator);
    for (limit, sizes) in [
        (4, &[4, 4, 2][..]),
        (5, &[5, 5]),
        (10, &[10]),
        (1, &[1; 10]),
    ] {
        let body = by_topic(&json!({"limit": limit}));
        let (mut all, mut found, mut next) = (Vec::new(), Vec::new(), None);
        loop {
            let response = page(&emulator, &body, next.as_deref());
            found.push(topics(&response).len());
            all.extend(topics(&response));
            next = token(&response);
            if next.is_none() {
                assert!(!response.body.contains("meta"), "the last page has no meta");
                break;
            }
            assert_eq!(response.json()["meta"]["pagination"]["page_size"], limit);
        }
        assert_eq!(found, sizes, "no request more than is needed");
        assert_eq!(
            all,
            (0..10)
                .map(|number| format!("t{number}"))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_flat_page_holds_all_rows_of_its_groups() {
    let emulator = empty().start();
    ten_topics(&emulator);
    put(&emulator, "t0", 60, 1.0);
    put(&emulator, "t2", 60, 1.0);
    let body = by_topic(&json!({"limit": 2, "format": "FLAT"}));
    assert_eq!(topics(&page(&emulator, &body, None)), ["t0", "t1", "t0"]);
}

#[test]
fn a_cap_makes_pages_smaller_than_the_limit() {
    let emulator = empty().page_cap(3).start();
    ten_topics(&emulator);
    let body = by_topic(&json!({"limit": 7}));
    let first = page(&emulator, &body, None);
    assert_eq!(topics(&first).len(), 3);
    assert_eq!(
        first.json()["meta"]["pagination"]["page_size"],
        7,
        "it echoes the limit"
    );
    emulator.page_cap(0);
    assert_eq!(
        topics(&page(&emulator, &body, token(&first).as_deref())).len(),
        7
    );
}

#[test]
fn tokens_need_encoding_and_are_bound_to_the_body() {
    let emulator = empty().start();
    ten_topics(&emulator);
    let body = by_topic(&json!({"limit": 4}));
    let next = token(&page(&emulator, &body, None)).expect("a token");
    for letter in ['+', '/', '='] {
        assert!(next.contains(letter), "{next}");
    }
    let bare = format!("/v2/metrics/cloud/query?page_token={next}");
    let bare = post(
        &agent(&emulator),
        &emulator,
        &bare,
        &cloud(&emulator),
        &body,
    )
    .expect("a response");
    assert_eq!(
        (bare.status, bare.details()),
        (400, vec!["page_token is invalid".to_owned()])
    );
    let other = page(&emulator, &body.replace(",\"", ", \""), Some(&next));
    assert_eq!(
        (other.status, other.details()),
        (
            400,
            vec!["page_token does not belong to this request".to_owned()]
        )
    );
    assert_eq!(page(&emulator, &body, Some("dG9waWNC")).status, 400);
    assert_eq!(page(&emulator, &body, Some("")).status, 400);
    assert_eq!(page(&emulator, &body, Some(&next)).status, 200);
}

#[test]
fn tokens_expire() {
    let emulator = empty().start();
    ten_topics(&emulator);
    let body = by_topic(&json!({"limit": 4}));
    let next = token(&page(&emulator, &body, None));
    emulator.expire_tokens();
    let late = page(&emulator, &body, next.as_deref());
    assert_eq!(
        (late.status, late.details()),
        (400, vec!["page_token has expired".to_owned()])
    );
    let again = token(&page(&emulator, &body, None));
    assert_eq!(page(&emulator, &body, again.as_deref()).status, 200);

    let hasty = empty().token_lifetime(Duration::ZERO).start();
    ten_topics(&hasty);
    let next = token(&page(&hasty, &body, None));
    assert_eq!(page(&hasty, &body, next.as_deref()).status, 400);
}

#[test]
fn now_makes_a_token_invalid() {
    let emulator = empty().start();
    ten_topics(&emulator);
    let body = by_topic(&json!({"limit": 4, "intervals": ["now-2h/PT1H"]}));
    let first = page(&emulator, &body, None);
    assert_eq!(topics(&first).len(), 4);
    let second = page(&emulator, &body, token(&first).as_deref());
    assert_eq!(second.status, 400);
    assert!(
        second.details()[0].contains("page_token is invalid"),
        "{}",
        second.body
    );
}

#[test]
fn all_has_no_pages_and_keeps_the_greatest() {
    let emulator = empty().page_cap(1).always_meta(true).start();
    ten_topics(&emulator);
    let greatest = page(
        &emulator,
        &by_topic(&json!({"limit": 2, "granularity": "ALL"})),
        None,
    );
    assert_eq!(topics(&greatest), ["t9", "t8"]);
    assert_eq!(token(&greatest), None);
    let all = page(&emulator, &by_topic(&json!({"granularity": "ALL"})), None);
    assert_eq!(
        (
            topics(&all).len(),
            all.json()["meta"]["pagination"]["page_size"].as_u64()
        ),
        (10, Some(1_000))
    );
}

#[test]
fn links_can_stand_for_tokens() {
    let emulator = empty().links_only(true).start();
    ten_topics(&emulator);
    let body = by_topic(&json!({"limit": 6}));
    let first = page(&emulator, &body, None);
    assert_eq!(token(&first), None);
    let json = first.json();
    let link = json["links"]["next"].as_str().expect("a link");
    let path = link
        .strip_prefix(emulator.url())
        .expect("an absolute link to the emulator");
    let second =
        post(&agent(&emulator), &emulator, path, &cloud(&emulator), &body).expect("a response");
    assert_eq!(topics(&second), ["t6", "t7", "t8", "t9"]);
    assert!(!second.body.contains("links"), "{}", second.body);
}

#[test]
fn a_link_keeps_the_other_parameters() {
    let emulator = Emulator::builder().links_only(true).start();
    let mut path =
        "/v2/metrics/cloud/descriptors/metrics?page_size=4&resource_type=ksql".to_owned();
    let mut sizes = Vec::new();
    loop {
        let json = get(&emulator, &path, "", "").json();
        sizes.push(json["data"].as_array().map(Vec::len));
        let Some(link) = json["links"]["next"].as_str() else {
            break;
        };
        path = link
            .strip_prefix(emulator.url())
            .expect("an absolute link to the emulator")
            .to_owned();
    }
    assert_eq!(
        sizes,
        [Some(4), Some(4), Some(2)],
        "the ten metrics of ksqlDB"
    );
}
