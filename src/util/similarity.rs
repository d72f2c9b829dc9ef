//! Which names somebody may have meant.

/// The `count` names that are most like `wanted`, the likest first; none that is not like it at all.
#[inline]
pub(crate) fn closest_matches<T>(
    wanted: &str,
    of: impl Iterator<Item = (T, String)>,
    count: usize,
) -> Vec<T> {
    let wanted = Name::new(wanted);
    let mut found: Vec<_> = of
        .map(|(item, name)| (wanted.similarity(&Name::new(&name)), name, item))
        .collect();
    found.retain(|(likeness, ..)| *likeness >= MIN_SIMILARITY);
    found.sort_by(|(a, a_name, _), (b, b_name, _)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
    found
        .into_iter()
        .take(count)
        .map(|(.., item)| item)
        .collect()
}

/// Below this two names have nothing to do with each other.
const MIN_SIMILARITY: f64 = 0.4;

/// Any two names share some letters; from this part of them on it is no accident.
const MIN_EDIT_SIMILARITY: f64 = 0.6;

/// Nobody types more than that, and comparing takes the square of it.
const MAX_NAME_CHARS: usize = 200;

/// A name of a metric in words: `io.confluent.kafka.server/sent_bytes`, with any other signs between them, or none of
/// what stands before the slash.
struct Name {
    words: Vec<String>,
    /// Where the words after the slash begin, if there is one.
    namespace_len: Option<usize>,
}

impl Name {
    #[inline]
    fn new(text: &str) -> Self {
        let text: String = text
            .chars()
            .take(MAX_NAME_CHARS)
            .flat_map(char::to_lowercase)
            .collect();
        let words = |text: &str| -> Vec<String> {
            text.split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty())
                .map(Into::into)
                .collect()
        };
        // An export leaves the first word out.
        let text = text.strip_prefix("io.").unwrap_or(&text);
        let namespace_len = text.rsplit_once('/').map(|(place, _)| words(place).len());
        Self {
            words: words(text),
            namespace_len,
        }
    }

    /// What stands before the slash, and after it; without a slash the last `count` words stand after it.
    fn parts(&self, count: usize) -> (&[String], &[String]) {
        self.words.split_at(
            self.namespace_len
                .unwrap_or(self.words.len().saturating_sub(count)),
        )
    }

    /// From 0 to 1. What stands before the slash is mostly the same, and so hardly counts.
    #[inline]
    fn similarity(&self, other: &Self) -> f64 {
        let (place, name) = other.parts(other.words.len());
        let (own_place, own_name) = self.parts(name.len());
        let spelt = likeness(&own_name.join("_"), &name.join("_"));
        let spelt = if spelt >= MIN_EDIT_SIMILARITY {
            spelt
        } else {
            0.0
        };
        // What was typed counts most; of two names that have all of it, the one with less besides is the likelier.
        let alike = spelt.max(
            0.75 * token_overlap(own_name, &other.words) + 0.25 * token_overlap(name, own_name),
        );
        match own_place {
            [] => alike,
            _ => 0.85 * alike + 0.15 * likeness(&own_place.join("_"), &place.join("_")),
        }
    }
}

/// The part of `words` that is among `others`.
fn token_overlap(words: &[String], others: &[String]) -> f64 {
    let found = words
        .iter()
        .filter(|word| others.iter().any(|other| tokens_match(word, other)))
        .count();
    found as f64 / words.len().max(1) as f64
}

/// Whether one word starts the other, or is it but for a slip.
fn tokens_match(a: &str, b: &str) -> bool {
    let starts = a.len().min(b.len()) >= 3 && (a.starts_with(b) || b.starts_with(a));
    starts || likeness(a, b) >= 0.75
}

/// The part of two words that does not have to be changed to make one the other.
#[inline]
fn likeness(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    1.0 - damerau_levenshtein(&a, &b) as f64 / a.len().max(b.len()).max(1) as f64
}

/// How many letters have to be put in, left out, replaced, or swapped with the next one.
#[inline]
fn damerau_levenshtein(a: &[char], b: &[char]) -> usize {
    let (mut two_before, mut before): (Vec<usize>, Vec<usize>) =
        (Vec::new(), (0..=b.len()).collect());
    for (row, letter) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&before, column) + usize::from(letter != other);
            let mut least = replaced
                .min(at(&before, column + 1) + 1)
                .min(at(&current, column) + 1);
            let is_swapped = row > 0
                && column > 0
                && a.get(row - 1) == Some(other)
                && b.get(column - 1) == Some(letter);
            if is_swapped {
                least = least.min(at(&two_before, column - 1) + 1);
            }
            current.push(least);
        }
        two_before = std::mem::replace(&mut before, current);
    }
    before.last().copied().unwrap_or(0)
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
        closest_matches(
            wanted,
            NAMES.iter().map(|name| (short(name), (*name).to_owned())),
            3,
        )
    }

    #[test]
    fn slips_lead_to_what_was_meant() {
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
    fn what_is_like_nothing_finds_nothing() {
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
        assert!(
            closest_matches("sent", NAMES.iter().map(|name| ((), (*name).to_owned())), 0)
                .is_empty()
        );
        assert!(found(&"sent_bytes".repeat(10_000)).len() <= 3);
    }

    #[test]
    fn a_swap_is_one_slip() {
        let distance = |a: &str, b: &str| {
            damerau_levenshtein(
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
