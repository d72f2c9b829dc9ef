//! Error bodies: nothing panics, the message is bounded, and no part of the error shows eight
//! consecutive characters of a secret in any encoding.
//!
//! A byte above 0xEF inserts a part of the secret; the two bytes after it choose the part and its
//! escapes.
#![no_main]

use std::collections::HashSet;
use std::error::Error as _;
use std::sync::LazyLock;

use confluent_metrics::fuzzing::error_response;
use confluent_metrics::{Client, Credentials, Error};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "KEYKEYKEYKEYKEY1";
/// Has characters that are escaped in JSON, URLs and HTML, but no backslash, which an error uses to
/// escape control characters.
const SECRET: &str = "Xn/I+w93\"I2&L1<SQ%PJ=SJ8/23K1LS902K";
/// `KEY:SECRET` in base64.
const HEADER: &str =
    "Basic S0VZS0VZS0VZS0VZS0VZMTpYbi9JK3c5MyJJMiZMMTxTUSVQSj1TSjgvMjNLMUxTOTAySw==";
const WINDOW: usize = 8;

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let credentials = Credentials::api_key(KEY, SECRET).unwrap();
    Client::builder(credentials)
        .without_proxy()
        .build()
        .unwrap()
});

fuzz_target!(|input: &[u8]| {
    let [status, is_truncated, template @ ..] = input else {
        return;
    };
    let status = [400, 401, 403, 404, 407, 422, 429, 500, 503][usize::from(*status) % 9];
    let mut body = fill_in(template);
    // The client reads no more of an error response.
    body.truncate(65_536);
    let error = error_response(&CLIENT, status, &body, is_truncated % 2 == 1);

    assert_eq!(error.status(), Some(status));
    let sentence = error.to_string();
    assert!(sentence.len() <= 8 * 1024, "{} bytes", sentence.len());
    assert!(!sentence.contains(char::is_control), "{sentence:?}");
    assert!(error.body().is_none_or(|body| body.len() <= 4096));
    for text in texts(&error) {
        assert_no_secret(&text, 2, &body);
    }
});

/// Returns everything that an error shows.
fn texts(error: &Error) -> Vec<String> {
    let mut texts = vec![error.to_string(), format!("{error:?}")];
    texts.extend(
        [error.hint(), error.body()]
            .into_iter()
            .flatten()
            .map(str::to_owned),
    );
    for entry in error.api_errors() {
        let members = [entry.id(), entry.status(), entry.code(), entry.detail()];
        texts.extend(members.into_iter().flatten().map(str::to_owned));
    }
    texts.extend(error.source().map(|source| format!("{source} {source:?}")));
    texts
}

fn fill_in(template: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut bytes = template.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte < 0xf0 {
            body.push(byte);
            continue;
        }
        let start = usize::from(bytes.next().unwrap_or(0));
        let shape = bytes.next().unwrap_or(0);
        let secret = if byte % 2 == 0 { SECRET } else { HEADER };
        let part: String = secret
            .chars()
            .skip(start % secret.len())
            .take(6 + start / 12)
            .collect();
        let once = escape(&part, shape % 6);
        body.extend(escape(&once, shape / 6 % 6).bytes());
    }
    body
}

fn escape(text: &str, form: u8) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        let code = u32::from(c);
        match form {
            1 if matches!(c, '"' | '\\') => escaped.push_str(&format!("\\{c}")),
            2 => escaped.push_str(&format!("\\u{code:04x}")),
            3 if !c.is_ascii_alphanumeric() => escaped.push_str(&format!("%{code:02X}")),
            4 if !c.is_ascii_alphanumeric() => escaped.push_str(&format!("&#{code};")),
            5 if !c.is_ascii_alphanumeric() => escaped.push_str(&format!("&#x{code:x};")),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Every part of a secret that no error may show, in lower case.
static PARTS: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| {
    let secrets = [SECRET, HEADER].map(str::to_ascii_lowercase);
    secrets
        .iter()
        .flat_map(|secret| secret.as_bytes().windows(WINDOW).map(<[u8]>::to_vec))
        .collect()
});

/// True at the first two bytes of every part. Most parts of a text are ruled out by them.
static STARTS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut starts = vec![false; 1 << 16];
    for part in PARTS.iter() {
        starts[start(part)] = true;
    }
    starts
});

fn start(part: &[u8]) -> usize {
    usize::from(part[0]) << 8 | usize::from(part[1])
}

/// Searches a text, also after undoing up to two layers of escapes.
fn assert_no_secret(text: &str, layers: usize, body: &[u8]) {
    const DECODERS: [fn(&str) -> String; 3] = [undo_json, undo_percent, undo_html];
    let lower = text.to_ascii_lowercase();
    for part in lower.as_bytes().windows(WINDOW) {
        assert!(
            !STARTS[start(part)] || !PARTS.contains(part),
            "a secret in {text:?} of {:?}",
            String::from_utf8_lossy(body)
        );
    }
    if layers > 0 && text.contains(['\\', '%', '&']) {
        for decode in DECODERS {
            let decoded = decode(text);
            if decoded != text {
                assert_no_secret(&decoded, layers - 1, body);
            }
        }
    }
}

fn undo_json(text: &str) -> String {
    undo(text, |rest| {
        let rest = rest.strip_prefix('\\')?;
        if let Some(digits) = rest.strip_prefix('u').and_then(|rest| rest.get(..4)) {
            return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 6));
        }
        let c = rest
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\\' | '/'))?;
        Some((c, 2))
    })
}

fn undo_percent(text: &str) -> String {
    undo(text, |rest| {
        let code = u8::from_str_radix(rest.strip_prefix('%')?.get(..2)?, 16).ok()?;
        code.is_ascii().then_some((char::from(code), 3))
    })
}

fn undo_html(text: &str) -> String {
    undo(text, |rest| {
        let (digits, _) = rest.strip_prefix("&#")?.split_once(';')?;
        let code = match digits.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        Some((char::from_u32(code.ok()?)?, digits.len() + 3))
    })
}

/// Replaces each escape that `read` decodes.
fn undo(text: &str, read: impl Fn(&str) -> Option<(char, usize)>) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (c, length) = read(rest).unwrap_or((c, c.len_utf8()));
        decoded.push(c);
        rest = &rest[length..];
    }
    decoded
}
