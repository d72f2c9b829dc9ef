//! Text for people and for URLs: escaping, shortening, counting and listing.
//!
//! Error messages, reports and logs quote text from responses and from callers. These functions
//! make sure that such text stays on one line and cannot control the terminal.
//!
//! ```text
//! sanitize_line("a\nb", 99)       a\nb, with a backslash
//! quote("übermäßig", 4)           "über…"
//! percent_encode("a/b c")         a%2Fb%20c
//! list_names(a, b, c, d, e)       a, b, c and 2 more
//! count_noun(1, "page", "pages")  1 page
//! ```

/// Makes text from outside fit for one line of a log or a terminal.
///
/// Surrounding blanks are removed, characters that could break the line or change how it is shown
/// are escaped, and what exceeds `max` characters is replaced by an ellipsis.
///
/// `max` counts characters before they are escaped, not bytes.
pub(crate) fn sanitize_line(text: &str, max: usize) -> String {
    let text = text.trim();
    let mut line = String::with_capacity(text.len().min(max.saturating_mul(4)));
    for (index, c) in text.chars().enumerate() {
        // Characters are counted, not bytes, so that the cut never splits one.
        if index == max {
            line.push('…');
            break;
        }
        if needs_escape(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// Sanitizes a long text and keeps its first 300 and last 150 characters.
///
/// Parser errors name their subject at the start and the position at the end.
///
/// Returns the sanitized text itself if it has at most 450 characters.
pub(crate) fn elide_middle(text: &str) -> String {
    /// The number of characters that are kept at the start.
    const HEAD: usize = 300;
    /// The number of characters that are kept at the end.
    const TAIL: usize = 150;
    let line = sanitize_line(text, usize::MAX);
    let head_end = line.char_indices().nth(HEAD).map(|(index, _)| index);
    let tail_start = line
        .char_indices()
        .nth_back(TAIL - 1)
        .map(|(index, _)| index);
    match (head_end, tail_start) {
        (Some(head), Some(tail)) if head < tail => format!("{}…{}", &line[..head], &line[tail..]),
        _ => line,
    }
}

/// Quotes and escapes a value as `{:?}` does, cut to `max` characters.
///
/// `max` counts characters of `text`. An ellipsis replaces the rest.
pub(crate) fn quote(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        // Cut before it is escaped, so that an escape is never split.
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

/// Percent-encodes everything but the unreserved characters of [RFC 3986, section 2.3].
///
/// [RFC 3986, section 2.3]: https://datatracker.ietf.org/doc/html/rfc3986#section-2.3
///
/// Every byte of the UTF-8 form is encoded by itself, with upper-case digits.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        // The unreserved characters of RFC 3986, section 2.3.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hex_digit(byte >> 4));
            encoded.push(hex_digit(byte & 15));
        }
    }
    encoded
}

/// Lists the first three names and the number of the others: `a, b, c and 4 more`.
///
/// Returns `nothing` for an empty list.
pub(crate) fn list_names(names: &[String]) -> String {
    /// The number of names that are listed.
    const MAX_SHOWN: usize = 3;
    let shown: Vec<_> = names
        .iter()
        .take(MAX_SHOWN)
        .map(|name| sanitize_line(name, 100))
        .collect();
    match names.len().saturating_sub(MAX_SHOWN) {
        0 if names.is_empty() => "nothing".into(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Returns the count with the form of the word that agrees with it: `1 point`, `3 points`.
///
/// Only a count of 1 takes the form `one`.
pub(crate) fn count_noun(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Returns the upper-case digit of a number from 0 to 15.
fn hex_digit(nibble: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(nibble)])
}

/// Returns true for control characters, line and paragraph separators, and the bidirectional marks
/// that reverse the reading direction ([CVE-2021-42574](https://trojansource.codes)).
pub(crate) fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitized_text_is_one_line_of_bounded_length() {
        assert_eq!(
            sanitize_line("a\r\nb\u{2028}c\u{1b}[31md\u{202e}", 99),
            r"a\r\nb\u{2028}c\u{1b}[31md\u{202e}"
        );
        assert_eq!(sanitize_line("  übermäßig  ", 4), "über…");
        assert_eq!(sanitize_line("four", 4), "four");
        assert_eq!(
            sanitize_line("a\u{9b}b\u{61c}c\u{200f}d\u{2029}e", 99),
            r"a\u{9b}b\u{61c}c\u{200f}d\u{2029}e"
        );
    }

    #[test]
    fn long_text_keeps_its_start_and_end() {
        let long = elide_middle(&format!("start {} at line 1\n", "ü".repeat(1000)));
        assert!(
            long.starts_with("start ü") && long.ends_with("ü at line 1") && long.contains("ü…ü")
        );
        assert_eq!(long.chars().count(), 451);
        assert_eq!(elide_middle("short\n"), "short");
    }

    #[test]
    fn quoted_text_is_escaped_and_bounded() {
        assert_eq!(quote("a\"\n\u{202e}", 9), r#""a\"\n\u{202e}""#);
        assert_eq!(quote("übermäßig", 4), "\"über…\"");
        assert_eq!(quote("four", 4), "\"four\"");
    }

    #[test]
    fn reserved_characters_are_percent_encoded() {
        assert_eq!(
            percent_encode("a+b/c==&ü ~"),
            "a%2Bb%2Fc%3D%3D%26%C3%BC%20~"
        );
    }

    #[test]
    fn long_lists_end_with_a_count() {
        let names = ["a", "b", "c", "d", "e"].map(String::from);
        assert_eq!(list_names(&[]), "nothing");
        assert_eq!(list_names(&names[..3]), "a, b, c");
        assert_eq!(list_names(&names), "a, b, c and 2 more");
    }

    #[test]
    fn counts_agree_with_their_nouns() {
        assert_eq!(count_noun(1, "point", "points"), "1 point");
        assert_eq!(count_noun(0, "point", "points"), "0 points");
    }
}
