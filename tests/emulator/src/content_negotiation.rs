//! The content types and codings that a client accepts.

use crate::exposition::Format;
use crate::request_log::Request;

/// Returns true if the client accepts JSON.
pub(crate) fn accepts_json(request: &Request) -> bool {
    Ranges::from_request(request).is_none_or(|ranges| ranges.quality("application/json") > 0.0)
}

/// Returns the format of an export. `None` if the client accepts neither.
pub(crate) fn export_format(request: &Request) -> Option<Format> {
    let Some(ranges) = Ranges::from_request(request) else {
        return Some(Format::Prometheus);
    };
    let text = ranges
        .quality("text/plain")
        .max(ranges.quality("application/json"));
    // A wildcard means the default format, which is text.
    let open_metrics = ranges.named("application/openmetrics-text");
    match (open_metrics > 0.0, text > 0.0) {
        (true, _) if open_metrics >= text => Some(Format::OpenMetrics),
        (_, true) => Some(Format::Prometheus),
        (_, false) => None,
    }
}

/// Returns true if the client accepts gzip.
pub(crate) fn accepts_gzip(request: &Request) -> bool {
    request.header("accept-encoding").is_some_and(|list| {
        list.split(',').any(|coding| {
            let (name, parameter) = coding.split_once(';').unwrap_or((coding, ""));
            let quality = parameter
                .trim()
                .strip_prefix("q=")
                .and_then(|quality| quality.parse().ok());
            ["gzip", "*"].contains(&name.trim()) && quality != Some(0.0)
        })
    })
}

/// The ranges of an `Accept` header in lower case, each with its quality.
struct Ranges(Vec<(String, f64)>);

impl Ranges {
    /// Parses the headers of a request. `None` if it has no `Accept`.
    fn from_request(request: &Request) -> Option<Self> {
        let lines: Vec<&str> = request
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("accept"))
            .map(|(_, value)| value.as_str())
            .collect();
        if lines.is_empty() {
            return None;
        }
        let ranges = lines.iter().flat_map(|line| line.split(',')).map(|item| {
            let mut parts = item.split(';').map(|part| part.trim().to_ascii_lowercase());
            let range = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=").map(str::parse));
            (range, quality.and_then(Result::ok).unwrap_or(1.0))
        });
        Some(Self(ranges.collect()))
    }

    /// Returns the quality of a type, from the most specific range.
    fn quality(&self, kind: &str) -> f64 {
        let any_subtype = format!("{}/*", kind.split('/').next().unwrap_or_default());
        let found = [kind, &any_subtype, "*/*"]
            .into_iter()
            .find(|range| self.0.iter().any(|(own, _)| own == range));
        found.map_or(0.0, |range| self.named(range))
    }

    /// Returns the quality of a range that the header contains literally.
    fn named(&self, range: &str) -> f64 {
        let own = self.0.iter().filter(|(own, _)| own == range);
        own.map(|(_, quality)| *quality).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(accept: &[&str]) -> Request {
        Request {
            method: "GET".to_owned(),
            target: "/".to_owned(),
            headers: accept
                .iter()
                .map(|value| ("aCCept".to_owned(), (*value).to_owned()))
                .collect(),
            body: Vec::new(),
            status: 0,
        }
    }

    #[test]
    fn json_is_accepted_by_name_and_by_wildcard() {
        for accepted in [
            &[][..],
            &["*/*"],
            &["application/*;q=0.1"],
            &["text/html, Application/JSON ; charset=utf-8"],
            &["text/html", "application/json"],
        ] {
            assert!(accepts_json(&request(accepted)), "{accepted:?}");
        }
        for rejected in [
            &["text/plain"][..],
            &["application/json;q=0, */*"],
            &[""],
            &["application/*;q=0"],
        ] {
            assert!(!accepts_json(&request(rejected)), "{rejected:?}");
        }
    }

    #[test]
    fn the_export_format_follows_the_accept_header() {
        for (accept, format) in [
            (&[][..], Some(Format::Prometheus)),
            (&["*/*"], Some(Format::Prometheus)),
            (&["application/*"], Some(Format::Prometheus)),
            (&["text/plain"], Some(Format::Prometheus)),
            (&["text/plain;version=0.0.4"], Some(Format::Prometheus)),
            (&["application/json"], Some(Format::Prometheus)),
            (&["application/openmetrics-text"], Some(Format::OpenMetrics)),
            (
                &["application/openmetrics-text;version=1.0.0, */*"],
                Some(Format::OpenMetrics),
            ),
            // What Prometheus sends.
            (
                &[
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                   text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ],
                Some(Format::OpenMetrics),
            ),
            (
                &["text/plain", "application/openmetrics-text;q=0.5"],
                Some(Format::Prometheus),
            ),
            (
                &["application/openmetrics-text;q=0, text/*;q=0.1"],
                Some(Format::Prometheus),
            ),
            (&["image/png, text/html"], None),
            (&["*/*;q=0"], None),
        ] {
            assert_eq!(export_format(&request(accept)), format, "{accept:?}");
        }
    }
}
