//! Suggestions for a mistyped metric name.
//!
//! The hint of an error for an unknown metric uses it, and so does
//! `MetricDescriptor::closest_matches`.
//!
//! ```text
//! recieved_bytes  →  io.confluent.kafka.server/received_bytes    edit distance 1
//! lag             →  io.confluent.kafka.server/consumer_lag_offsets    a common word
//! weather         →  nothing
//! ```

/// The longest name that is compared, since the time grows with the square of the length.
const MAX_NAME_CHARS: usize = 200;

/// Returns up to `count` items whose names are similar to `wanted`, the best match first.
///
/// A name is similar if it is within a third of its length of `wanted` by edit distance, which is
/// rustc's rule for suggestions, or if it has a word of `wanted` after the slash. Matches by edit
/// distance come first.
///
/// `items` are pairs of any value and its name. Equal ranks are sorted by name, so the result does
/// not depend on the order of the input.
pub(crate) fn closest_matches<'a, T>(
    wanted: &str,
    items: impl IntoIterator<Item = (T, &'a str)>,
    count: usize,
) -> Vec<T> {
    let wanted = Name::new(wanted);
    let mut matches: Vec<_> = items
        .into_iter()
        .filter_map(|(item, name)| Some((wanted.rank(&Name::new(name))?, name, item)))
        .collect();
    matches.sort_by(|(a, a_name, _), (b, b_name, _)| a.cmp(b).then_with(|| a_name.cmp(b_name)));
    matches
        .into_iter()
        .take(count)
        .map(|(_, _, item)| item)
        .collect()
}

/// A metric name in lower case, with `_` for every separator: `confluent_kafka_server_sent_bytes`.
///
/// The names of queries and exports are the same in this form.
struct Name {
    /// The full name without `io.`, which exports omit.
    full: Vec<char>,
    /// The part after the slash, such as `sent_bytes`; the full name if there is no slash.
    metric: Vec<char>,
}

/// The order of matches, best first.
///
/// The derived order compares the fields from the first to the last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// The edit distance, or the maximum if the names match by a word alone.
    distance: usize,
    /// The number of words of the wanted name that the match lacks.
    missing_words: usize,
    /// Decides between metrics of the same name in several namespaces.
    full_distance: usize,
}

impl Name {
    /// Creates the comparable form of a name in a query or an export, or of a part of one.
    fn new(text: &str) -> Self {
        let text: String = text
            .chars()
            .take(MAX_NAME_CHARS)
            .flat_map(char::to_lowercase)
            .collect();
        let full = text.strip_prefix("io.").unwrap_or(&text);
        let metric = full.rsplit_once('/').map_or(full, |(_, metric)| metric);
        Self {
            full: normalize(full),
            metric: normalize(metric),
        }
    }

    /// Ranks another name as a match for this one, or returns `None` if they are not similar.
    ///
    /// `self` is the wanted name, and `other` is a name that exists.
    fn rank(&self, other: &Self) -> Option<Rank> {
        let full_distance = edit_distance(&self.full, &other.full);
        let distance = full_distance.min(edit_distance(&self.metric, &other.metric));
        // A third of the length, as `rustc_span::edit_distance` allows, and at least one edit.
        let max_distance = other.metric.len().max(3) / 3;
        let words = self.words();
        let other_words = other.words();
        let missing_words = words
            .iter()
            .filter(|word| !other_words.contains(word))
            .count();
        if distance > max_distance && missing_words == words.len() {
            return None;
        }
        Some(Rank {
            // A match by a word alone is behind every match by edit distance.
            distance: if distance > max_distance {
                usize::MAX
            } else {
                distance
            },
            missing_words,
            full_distance,
        })
    }

    /// Returns the words of the metric without its namespace: `sent` and `bytes`.
    fn words(&self) -> Vec<&[char]> {
        self.metric
            .split(|c| *c == '_')
            .filter(|word| !word.is_empty())
            .collect()
    }
}

/// Replaces every character but letters and digits by `_`.
fn normalize(text: &str) -> Vec<char> {
    text.chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect()
}

/// Returns the [optimal string alignment distance], a form of the Damerau-Levenshtein distance.
///
/// It counts insertions, deletions, substitutions, and swaps of neighbors.
///
/// [optimal string alignment distance]: https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance
///
/// ```text
/// recieved, received  1, one swap
/// kitten, sitting     3, two substitutions and one insertion
/// ca, abc             3, since no part may be edited twice
/// ```
fn edit_distance(a: &[char], b: &[char]) -> usize {
    // distances[i][j] is the distance between the first i characters of `a` and the first j of `b`.
    let mut distances = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            // One side is empty: the other one is inserted or deleted in full.
            if i == 0 || j == 0 {
                distances[i][j] = i + j;
                continue;
            }
            let substitution = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (distances[i - 1][j] + 1)
                .min(distances[i][j - 1] + 1)
                .min(distances[i - 1][j - 1] + substitution);
            // The last two characters are swapped. Levenshtein distance lacks this case.
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(distances[i - 2][j - 2] + 1);
            }
            distances[i][j] = least;
        }
    }
    distances[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = [
        "io.confluent.kafka.server/received_bytes",
        "io.confluent.kafka.server/sent_bytes",
        "io.confluent.kafka.server/retained_bytes",
        "io.confluent.kafka.server/consumer_lag_offsets",
        "io.confluent.kafka.server/cluster_load_percent",
        "io.confluent.kafka.connect/sent_bytes",
        "io.confluent.kafka.connect/dead_letter_queue_records",
        "io.confluent.flink/num_records_in",
    ];

    fn found(wanted: &str) -> Vec<&'static str> {
        let short = |name: &'static str| name.trim_start_matches("io.confluent.");
        closest_matches(wanted, NAMES.iter().map(|name| (short(name), *name)), 3)
    }

    #[test]
    fn a_mistyped_name_finds_the_intended_one() {
        for (wanted, first) in [
            (
                "io.confluent.kafka.server/recieved_bytes",
                "kafka.server/received_bytes",
            ),
            (
                "io.confluent.kafka.server/received_byte",
                "kafka.server/received_bytes",
            ),
            (
                "io.confluent.kafka.server.received_bytes",
                "kafka.server/received_bytes",
            ),
            (
                "confluent_kafka_server_received_bytes",
                "kafka.server/received_bytes",
            ),
            ("received_bytes", "kafka.server/received_bytes"),
            ("RECEIVED-BYTES", "kafka.server/received_bytes"),
            ("receivedbytes", "kafka.server/received_bytes"),
            (
                "io.confluent.kafka.conect/sent_bytes",
                "kafka.connect/sent_bytes",
            ),
            (
                "io.confluent.kafka.server/sent_bytes",
                "kafka.server/sent_bytes",
            ),
            ("consumer_lag", "kafka.server/consumer_lag_offsets"),
            ("lag", "kafka.server/consumer_lag_offsets"),
            ("cluster_load", "kafka.server/cluster_load_percent"),
            ("load_percentage", "kafka.server/cluster_load_percent"),
            ("dead_letters", "kafka.connect/dead_letter_queue_records"),
            ("consumer_delay", "kafka.server/consumer_lag_offsets"),
            ("flink/records_in", "flink/num_records_in"),
        ] {
            assert_eq!(
                found(wanted).first(),
                Some(&first),
                "{wanted}: {:?}",
                found(wanted)
            );
        }
    }

    #[test]
    fn an_unrelated_name_finds_nothing() {
        for wanted in [
            "",
            "/",
            "weather",
            "io.confluent.kafka.server/",
            "io.confluent.kafka.server/weather",
            "日本",
        ] {
            assert_eq!(found(wanted), [""; 0], "{wanted}");
        }
        assert!(closest_matches("sent", NAMES.iter().map(|name| ((), *name)), 0).is_empty());
        assert!(found(&"sent_bytes".repeat(10_000)).len() <= 3);
    }

    #[test]
    fn a_swap_of_neighbors_is_one_edit() {
        let distance = |a: &str, b: &str| {
            edit_distance(
                &a.chars().collect::<Vec<_>>(),
                &b.chars().collect::<Vec<_>>(),
            )
        };
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abcd", "bacd", 1),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
