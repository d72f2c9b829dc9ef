//! Targets of redirects and links: a target is followed if and only if the `url` package resolves
//! it to the same origin, and then to the same URL.
#![no_main]

use confluent_metrics::fuzzing::redirect_target;
use libfuzzer_sys::fuzz_target;
use url::{Position, Url};

const BASE: &str = "https://api.example:8443/prefix";
const FROM: &str = "https://api.example:8443/prefix/v2/metrics/cloud/query?page_token=a/b";

fuzz_target!(|location: &str| {
    let target = redirect_target(BASE, FROM, location);
    let from = Url::parse(FROM).unwrap();
    let expected = from.join(location);
    if let Some(target) = &target {
        let parsed = Url::parse(target).unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(parsed.origin(), from.origin(), "{location}");
        assert!(
            parsed.username().is_empty() && parsed.password().is_none(),
            "{target}"
        );
        assert!(
            target.bytes().all(|byte| byte.is_ascii_graphic()),
            "{target}"
        );
    }
    // RFC 3986 and the URL standard of browsers differ for invalid references.
    if !is_valid(location) {
        return;
    }
    let is_same_origin = |url: &Url| {
        url.origin() == from.origin() && url.username().is_empty() && url.password().is_none()
    };
    match (
        &target,
        expected.as_ref().ok().filter(|url| is_same_origin(url)),
    ) {
        (Some(target), Some(expected)) => {
            let target = Url::parse(target).unwrap();
            assert_eq!(
                &target[..Position::AfterQuery],
                &expected[..Position::AfterQuery],
                "{location}"
            );
        }
        (None, None) => {}
        (target, expected) => panic!("{location}: {target:?}, expected {expected:?}"),
    }
});

/// Returns true if a text has only characters of a URL, and each `%` begins an escape. The
/// standards differ for a scheme without `//`.
fn is_valid(location: &str) -> bool {
    let is_char =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let escapes = location.split('%').skip(1);
    let are_escapes = escapes
        .clone()
        .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()));
    let start = location.split(['/', '?', '#']).next().unwrap_or("");
    // A relative reference has no colon in its first segment.
    let is_start = match start.strip_suffix(':') {
        Some(scheme) => {
            let is_scheme_char = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(is_scheme_char)
                && location[start.len()..].starts_with("//")
        }
        None => !start.contains(':'),
    };
    // The package keeps a Windows drive letter, which is valid in file URLs alone.
    let is_drive = |segment: &str| segment.len() == 2 && segment.ends_with(':');
    let has_drive = location.split(['/', '?', '#']).any(is_drive);
    // Browsers treat `%2e` as a dot.
    let has_dot = location.to_ascii_lowercase().contains("%2e");
    location.bytes().all(is_char) && are_escapes && is_start && !has_drive && !has_dot
}
