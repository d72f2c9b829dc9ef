//! Base URLs: nothing panics, an error shows no part of the user info, and the `url` package reads
//! the same origin and path.
#![no_main]

use confluent_metrics::ErrorKind;
use confluent_metrics::fuzzing::{base_host, request_url};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|text: &str| {
    let joined = match request_url(text, "/v2/metrics") {
        Ok(joined) => joined,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let message = error.to_string();
            assert!(!message.contains(char::is_control), "{message:?}");
            assert!(message.chars().count() <= 1500, "{message}");
            if text.contains('@') {
                assert_eq!(shown(text), shown("@"));
            }
            return;
        }
    };
    let host = base_host(text).unwrap();
    assert!(
        !joined.contains(['@', '?', '#']) && joined.ends_with("/v2/metrics"),
        "{joined}"
    );
    assert!(
        joined.bytes().all(|byte| byte.is_ascii_graphic()),
        "{joined}"
    );
    assert!(joined.starts_with(&format!("https://{host}")), "{joined}");
    let Ok(url) = Url::parse(text) else {
        return;
    };
    assert_eq!(url.scheme(), "https", "{text}");
    // The package writes numbers of any form as IPv4 addresses, and shortens IPv6 addresses.
    let is_number = |label: &str| label.starts_with(|c: char| c.is_ascii_digit());
    if !host.starts_with('[') && !host.split('.').any(is_number) {
        assert_eq!(url.host_str(), Some(&*host), "{text}");
        // Dots would be removed before or after the slashes at the end, and browsers take a backslash
        // for a slash.
        if text.contains("/.") || text.contains("%2") || text.contains('\\') {
            return;
        }
        let request = Url::parse(&joined).unwrap();
        assert_eq!(request.origin(), url.origin(), "{text}");
        let path = format!("{}/v2/metrics", url.path().trim_end_matches('/'));
        assert_eq!(request.path(), path, "{text}");
    }
});

/// Returns everything that the error of a base URL shows.
fn shown(text: &str) -> Option<String> {
    let error = request_url(text, "").err()?;
    Some(format!("{error} {error:?} {:?}", error.hint()))
}
