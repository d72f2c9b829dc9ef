//! The reasons in a report, in the words of the command: options instead of items of the library.

use confluent_metrics::check::Report;

/// Phrases of hints, and what the command says instead. Longer ones come first.
const PHRASES: &[(&str, &str)] = &[
    (
        ", as in .filter(Resource::kafka(\"lkc-…\"))",
        " (--resource kafka:lkc-…)",
    ),
    (
        "; Client::metric_descriptors lists the names, \
         and MetricDescriptor::closest_matches suggests corrections",
        "",
    ),
    (", or Query::allow_truncated", ""),
    (
        "use absolute times such as Interval::between",
        "use absolute times in --interval",
    ),
    ("(ClientBuilder::proxy, ", "("),
    (
        "pass it to ClientBuilder::root_certificates_pem or CONFLUENT_METRICS_CA_FILE",
        "pass it to --ca-file or CONFLUENT_METRICS_CA_FILE",
    ),
    (
        "leave out that filter or use Filter::one_of",
        "leave out that --filter, or use a --file with an OR filter",
    ),
    ("interval last/P", "--last P"),
    ("last/P", "--last P"),
];

/// Names of the library that occur anywhere, and the options that they are.
const NAMES: &[(&str, &str)] = &[
    ("Interval::within", "--within"),
    ("Interval::retained", "--retained"),
    ("Interval::between", "--interval"),
    ("ClientBuilder::retention", "--retention"),
    ("ClientBuilder::deadline", "--deadline"),
    ("ClientBuilder::base_url", "--base-url"),
    ("ClientBuilder::root_certificates_pem", "--ca-file"),
    ("expect_at_least(0)", "--expect-at-least 0"),
    ("AtLeast(0)", "--quantifier 0"),
    ("on_missing: ", "--on-missing "),
    ("on_missing", "--on-missing"),
    ("min_coverage", "--min-coverage"),
    ("max_age", "--max-age"),
    ("expect_labels", "--expect"),
    ("compare_to", "--compare-to"),
    ("divide_by", "--divide-by"),
    ("group_by", "--group-by"),
    ("datapoints cannot", "--datapoints cannot"),
    ("consecutive(0)", "--consecutive 0"),
    ("consecutive needs", "--consecutive needs"),
    ("every(0 s)", "--every 0s"),
];

/// Rewrites the reasons of a report. `suggestion` is added to those of an error.
pub(crate) fn translate_report(report: Report, suggestion: Option<&str>) -> Report {
    report.map_reasons(&|finding, text| {
        let mut text = translate(text);
        if let Some(suggestion) = suggestion.filter(|_| finding.labels().is_empty()) {
            text.push_str("; ");
            text.push_str(suggestion);
        }
        text
    })
}

/// Rewrites a text. What is in quotes is from the user or the service, and stays as it is.
pub(crate) fn translate(text: &str) -> String {
    let mut text = text.to_owned();
    for (phrase, ours) in PHRASES {
        text = text.replace(phrase, ours);
    }
    let mut translated = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (plain, quoted) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
        let mut plain = plain.to_owned();
        for (name, option) in NAMES {
            plain = plain.replace(name, option);
        }
        translated.push_str(&plain);
        let end = quoted_length(quoted);
        translated.push_str(&quoted[..end]);
        rest = &quoted[end..];
    }
    translated
}

/// Returns the length of the quoted text at the start, with escaped quotes in it.
fn quoted_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return index + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_stay_as_they_are() {
        for (text, translated) in [
            ("", ""),
            ("group_by", "--group-by"),
            (
                r#"no "group_by \" group_by" in group_by: "x"#,
                r#"no "group_by \" group_by" in --group-by: "x"#,
            ),
            (
                "use Interval::retained or at most last/P5D, or set ClientBuilder::retention",
                "use --retained or at most --last P5D, or set --retention",
            ),
            (
                r#"filter by a resource, as in .filter(Resource::kafka("lkc-…")), and check its id"#,
                "filter by a resource (--resource kafka:lkc-…), and check its id",
            ),
        ] {
            assert_eq!(translate(text), translated);
        }
    }
}
