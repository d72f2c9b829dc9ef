//! Redaction: no error shows eight characters of a secret, for any secret in any encoding.

use std::error::Error as _;

use confluent_metrics::{Client, Credentials, Error, Granularity, Query, Resource};
use confluent_metrics_emulator::{Emulator, Fault};
use proptest::prelude::*;

use crate::cases;
use crate::support::{empty, of_any_age};

/// An encoding of text.
type Form = fn(&str) -> String;

const FORMS: [Form; 8] = [
    str::to_owned,
    json,
    |text| json(text).replace('/', r"\/"),
    |text| {
        text.encode_utf16()
            .map(|unit| format!("\\u{unit:04X}"))
            .collect()
    },
    |text| {
        percent(text, |byte| {
            byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
        })
    },
    |text| percent(text, |_| false).to_ascii_lowercase(),
    |text| {
        text.chars()
            .map(|c| format!("&#{};", u32::from(c)))
            .collect()
    },
    |text| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
    },
];

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str, stays: fn(u8) -> bool) -> String {
    let encode = |byte| {
        if stays(byte) {
            char::from(byte).into()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// Returns a body with `text` in a place that an error may quote.
fn body(place: usize, text: &str) -> (u16, String) {
    let quoted = serde_json::to_string(text).unwrap();
    match place {
        0 => (400, text.to_owned()),
        1 => (
            400,
            format!(r#"{{"errors":[{{"code":{quoted},"detail":{quoted}}}]}}"#),
        ),
        2 => (503, format!(r#"{{"fault":{{"text":{quoted}}}}}"#)),
        3 => (
            200,
            format!(r#"{{"data":[{{"points":[{{"timestamp":{quoted}}}]}}]}}"#),
        ),
        4 => (
            200,
            format!(r#"{{"data":[{{{quoted}:"a",{quoted}:"b","points":[]}}]}}"#),
        ),
        _ => (200, format!(r#"{{"data":[],"errors":[{quoted}]}}"#)),
    }
}

const PLACES: usize = 6;

fn fail(emulator: &Emulator, secret: &str, fault: Fault) -> Error {
    let credentials = Credentials::api_key("key", secret).unwrap();
    let builder = Client::builder(credentials)
        .base_url(emulator.url())
        .root_certificates_pem(emulator.ca_pem());
    let client = of_any_age(builder).max_retries(0).build().unwrap();
    let interval = "2026-01-08T11:00:00Z/PT1H".parse().unwrap();
    let query = Query::new(
        "io.confluent.kafka.server/sent_bytes",
        Granularity::OneMinute,
        interval,
    )
    .filter(Resource::kafka("lkc-1"))
    .group_by(["metric.topic"]);
    emulator.fault(fault);
    client.query(&query).unwrap_err()
}

/// Returns everything that an error shows.
fn shown(error: &Error) -> String {
    let entries = error.api_errors().iter();
    let details: String = entries
        .flat_map(|entry| [entry.code(), entry.detail()])
        .flatten()
        .collect();
    format!(
        "{error} {error:?} {:?} {} {details}",
        error.source(),
        error.body().unwrap_or_default()
    )
}

fn windows(secret: &str) -> Vec<String> {
    let chars: Vec<char> = secret.chars().collect();
    chars
        .windows(8)
        .map(|window| window.iter().collect())
        .collect()
}

/// A part of at least eight characters.
fn part(secret: &str, from: prop::sample::Index, length: prop::sample::Index) -> String {
    let chars: Vec<char> = secret.chars().collect();
    let from = from.index(chars.len() - 7);
    chars[from..from + 8 + length.index(chars.len() - from - 7)]
        .iter()
        .collect()
}

#[test]
fn no_eight_characters_of_a_secret_are_shown_in_any_encoding() {
    let emulator = empty().gzip(false).start();
    let secret = prop_oneof![
        r"[A-Za-z0-9+/]{16,64}",
        r"[!-~]{8,40}",
        r#"[a-f0-9%&\\#;u{}x<>"'/+]{8,40}"#,
        r"[!-~äß€😀]{8,30}",
    ];
    let forms = prop::collection::vec(prop::sample::select(&FORMS[..]), 0..3);
    let ends = ("[ -~]{0,20}", "[ -~]{0,20}");
    let indexes = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    proptest!(cases(80), |(secret in secret, forms in forms, ends in ends, indexes in indexes, cut in 0..99usize)| {
        let part = part(&secret, indexes.0, indexes.1);
        // The surrounding text has the same encoding.
        let text = forms.iter().fold(format!("{} {part} {}", ends.0, ends.1), |text, form| form(&text));
        for place in 0..PLACES {
            let (status, body) = body(place, &text);
            let mut fault = Fault::status(status).body(body.clone());
            if cut % 3 == 0 && status != 200 {
                fault = fault.cut_body_after(body.len() * cut / 99);
            }
            let shown = shown(&fail(&emulator, &secret, fault));
            for window in windows(&secret) {
                let whole = forms.iter().fold(window.clone(), |text, form| form(&text));
                for piece in FORMS.iter().map(|form| form(&window)).chain([whole]) {
                    prop_assert!(!shown.contains(&piece), "{} is shown in {}", piece, shown);
                }
            }
        }
    });
}

/// Undoes every remaining escape. The secrets themselves contain none.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    let escapes = |c: char| {
        let code = u32::from(c);
        [
            format!("%{code:02X}"),
            format!("\\u{code:04X}"),
            format!("&#{code};"),
            format!("&#x{code:x};"),
        ]
    };
    for _ in 0..4 {
        for c in (' '..='~').rev() {
            for escape in escapes(c) {
                text = text.replace(&escape, &c.to_string());
            }
        }
    }
    text
}

#[test]
fn characters_in_mixed_encodings_are_redacted_too() {
    let emulator = empty().gzip(false).start();
    let forms: [fn(char) -> String; 6] = [
        |c| c.to_string(),
        |c| format!("%{:02X}", u32::from(c)),
        |c| format!("%25{:02X}", u32::from(c)),
        |c| format!("\\u{:04X}", u32::from(c)),
        |c| format!("&#{};", u32::from(c)),
        |c| format!("&#x{:x};", u32::from(c)),
    ];
    let secret = r"[A-Za-z0-9+/=._~-]{8,40}";
    let choice = prop::collection::vec(prop::sample::select(forms.to_vec()), 40);
    proptest!(cases(60), |(secret in secret, choice in choice)| {
        let text: String = secret.chars().zip(&choice).map(|(c, form)| form(c)).collect();
        for place in 0..PLACES {
            let (status, body) = body(place, &text);
            let error = fail(&emulator, &secret, Fault::status(status).body(body));
            let shown = decoded(&shown(&error));
            prop_assert!(shown.contains("***"), "{}", shown);
            for window in windows(&secret) {
                prop_assert!(!shown.contains(&window), "{} is shown in {}", window, shown);
            }
        }
    });
}
