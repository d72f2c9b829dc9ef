//! The tokens of one line of the text formats of Prometheus and OpenMetrics.
//!
//! A [`Cursor`] reads a line from left to right. Each method consumes one token and returns it. The
//! parser in `exposition` calls them in the order of the grammar:
//!
//! ```text
//! sent_bytes{topic="orders"} 1.5E7 1767225600000 # {trace_id="x"} 1
//! name       label           value timestamp     exemplar, which is skipped
//! ```
//!
//! The grammar is that of the [Prometheus text format] with what [OpenMetrics] adds. Tokens borrow
//! from the line, except for label values with escapes. `exposition` compares a line with the
//! previous one, for which there are methods that consume a given name or label.
//!
//! [Prometheus text format]: https://prometheus.io/docs/instrumenting/exposition_formats/
//! [OpenMetrics]: https://prometheus.io/docs/specs/om/open_metrics_spec/

use std::borrow::Cow;

use crate::time::timestamp::Timestamp;

/// A position in a line.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'t> {
    /// The line without its end.
    line: &'t str,
    /// The index of the next byte.
    pos: usize,
}

/// A label: its source text, name and value.
pub(crate) struct Label<'t> {
    /// The source from the name to the closing quote. Labels with the same source are the same.
    raw: &'t str,
    /// The name, such as `topic`.
    pub(crate) name: &'t str,
    /// The value without quotes and escapes.
    pub(crate) value: Cow<'t, str>,
}

/// The reason why a line cannot be parsed.
pub(crate) type SyntaxError = &'static str;

/// The error for an unknown escape in a label value.
const INVALID_ESCAPE: SyntaxError = r#"invalid escape: expected \\, \" or \n"#;
/// The error for text that is neither a timestamp nor an exemplar.
const TRAILING_TEXT: SyntaxError = "unexpected text after the value";

/// Times below this are in seconds, others in milliseconds. It is the year 5138 in seconds, and
/// 1973 in milliseconds.
const SECONDS_LIMIT: i64 = 100_000_000_000;

impl<'t> Cursor<'t> {
    /// Creates a cursor at the start of a line.
    pub(crate) fn new(line: &'t str) -> Self {
        Self { line, pos: 0 }
    }

    /// Returns the bytes that are not consumed yet.
    fn rest(&self) -> &'t [u8] {
        self.line.as_bytes().get(self.pos..).unwrap_or(&[])
    }

    /// Returns the next byte, or `None` at the end of the line.
    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.pos).copied()
    }

    /// Consumes `byte` if it is next, and returns true if it was.
    pub(crate) fn consume(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.pos += usize::from(is_next);
        is_next
    }

    /// Skips spaces and tabs.
    pub(crate) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.pos += 1;
        }
    }

    /// Consumes `length` bytes, which must end at a character boundary.
    fn split(&mut self, length: usize) -> &'t str {
        let text = self.line.get(self.pos..self.pos + length).unwrap_or("");
        self.pos += text.len();
        text
    }

    /// Consumes bytes up to the first one that `is_end`, or all of them.
    fn split_at_first(&mut self, is_end: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        self.split(
            rest.iter()
                .position(|byte| is_end(*byte))
                .unwrap_or(rest.len()),
        )
    }

    /// Consumes a metric name, which may have colons. Returns an empty text if there is none.
    ///
    /// ```text
    /// job:sent_bytes:sum{a="1"} 7    consumes `job:sent_bytes:sum`
    /// {a="1"} 7                      returns an empty text
    /// ```
    pub(crate) fn metric_name(&mut self) -> &'t str {
        self.name(is_metric_name_byte)
    }

    /// Consumes the metric name `name`, if it is the next one.
    pub(crate) fn consume_metric_name(&mut self, name: &str) -> bool {
        // `sent_bytes` is not the next name before `sent_bytes_total`.
        let after = self.rest().strip_prefix(name.as_bytes());
        let is_next =
            after.is_some_and(|after| !after.first().copied().is_some_and(is_metric_name_byte));
        self.pos += if is_next { name.len() } else { 0 };
        is_next
    }

    /// Consumes the label `label`, if it is the next one.
    pub(crate) fn consume_label(&mut self, label: &Label<'_>) -> bool {
        // The source ends in the closing quote, so that a longer value is not taken for this one.
        let is_next = self.rest().starts_with(label.raw.as_bytes());
        self.pos += if is_next { label.raw.len() } else { 0 };
        is_next
    }

    /// Consumes bytes as long as they are part of a name. A name does not start with a digit.
    fn name(&mut self, is_part: impl Fn(u8) -> bool) -> &'t str {
        if self.peek().is_some_and(|first| first.is_ascii_digit()) {
            return "";
        }
        self.split_at_first(|byte| !is_part(byte))
    }

    /// Consumes a label.
    ///
    /// Blanks may surround the equals sign:
    ///
    /// ```text
    /// topic="orders",…     name `topic`, value `orders`
    /// topic = "a\"b"}      name `topic`, value `a"b`
    /// topic=orders         error: expected `"` before the label value
    /// ```
    pub(crate) fn label(&mut self) -> Result<Label<'t>, SyntaxError> {
        let start = self.pos;
        let name = self.name(is_name_byte);
        if name.is_empty() {
            return Err("expected a label name");
        }
        self.skip_blanks();
        if !self.consume(b'=') {
            return Err("expected `=` after the label name");
        }
        self.skip_blanks();
        if !self.consume(b'"') {
            return Err("expected `\"` before the label value");
        }
        let value = self.label_value()?;
        let raw = self.line.get(start..self.pos).unwrap_or("");
        Ok(Label { raw, name, value })
    }

    /// Consumes the value of a label and the quote after it.
    fn label_value(&mut self) -> Result<Cow<'t, str>, SyntaxError> {
        let start = self.pos;
        let mut has_escapes = false;
        loop {
            self.split_at_first(|byte| matches!(byte, b'"' | b'\\'));
            match self.rest() {
                [b'"', ..] => break,
                // The byte after a backslash may be a quote, which does not end the value.
                [b'\\', b'n' | b'"' | b'\\', ..] => self.pos += 2,
                [b'\\', _, ..] => return Err(INVALID_ESCAPE),
                _ => return Err("unterminated label value"),
            }
            has_escapes = true;
        }
        let raw = self.line.get(start..self.pos).unwrap_or("");
        self.pos += 1;
        if has_escapes {
            unescape(raw).map(Cow::Owned).ok_or(INVALID_ESCAPE)
        } else {
            Ok(Cow::Borrowed(raw))
        }
    }

    /// Consumes what follows a label. Returns true if another label may come.
    ///
    /// A comma may be followed by the closing brace, so that the caller checks for it.
    pub(crate) fn label_separator(&mut self) -> Result<bool, SyntaxError> {
        self.skip_blanks();
        if self.consume(b',') {
            return Ok(true);
        }
        if self.consume(b'}') {
            return Ok(false);
        }
        Err("expected `,` or `}` after a label")
    }

    /// Consumes a value.
    ///
    /// A value is any number that Rust parses as `f64`, with `NaN`, `+Inf` and `-Inf` among them.
    pub(crate) fn value(&mut self) -> Result<f64, SyntaxError> {
        let token = self.token();
        if token.is_empty() {
            return Err("expected a value");
        }
        let value: f64 = token.parse().map_err(|_| "invalid value")?;
        // `parse` turns numbers that are too large into infinity, but only `+Inf` may be infinite.
        if value.is_infinite() && token.contains(|c: char| c.is_ascii_digit()) {
            return Err("value exceeds the range of f64");
        }
        Ok(value)
    }

    /// Consumes a timestamp. Returns an empty text if there is none.
    pub(crate) fn timestamp(&mut self) -> &'t str {
        self.skip_blanks();
        if self.peek() == Some(b'#') {
            ""
        } else {
            self.token()
        }
    }

    /// Consumes the end of the line, and the exemplar that OpenMetrics allows before it.
    pub(crate) fn end(&mut self) -> Result<(), SyntaxError> {
        self.skip_blanks();
        if self.rest().is_empty() || self.rest().starts_with(b"# {") {
            Ok(())
        } else {
            Err(TRAILING_TEXT)
        }
    }

    /// Consumes everything up to the next blank or the end of the line.
    fn token(&mut self) -> &'t str {
        self.skip_blanks();
        self.split_at_first(|byte| matches!(byte, b' ' | b'\t'))
    }
}

/// Returns true for the bytes of label names: ASCII letters, digits and underscores.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns true for the bytes of metric names, which may also be colons.
fn is_metric_name_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b':'
}

/// Returns true if the text is the name of a metric.
pub(crate) fn is_metric_name(text: &str) -> bool {
    !text.is_empty() && Cursor::new(text).metric_name() == text
}

/// Splits off the first word and the blanks after it.
///
/// ```text
/// "HELP sent_bytes Bytes sent."    ("HELP", "sent_bytes Bytes sent.")
/// "HELP"                           ("HELP", "")
/// ```
pub(crate) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_ascii_start();
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_ascii_start())
}

/// Unescapes a label value. Returns `None` if an escape is invalid.
///
/// The escapes are `\\`, `\"` and `\n`.
pub(crate) fn unescape(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                escaped @ ('"' | '\\') => escaped,
                _ => return None,
            },
            _ => c,
        });
    }
    Some(text)
}

/// Parses seconds or milliseconds since 1970, with or without a fraction.
///
/// Returns `None` if the text is not a finite number, or beyond the year 9999.
///
/// ```text
/// 1767225600       2026-01-01T00:00:00Z
/// 1767225600.5     2026-01-01T00:00:00.500Z
/// 1767225600000    2026-01-01T00:00:00Z
/// ```
pub(crate) fn parse_timestamp(token: &str) -> Option<Timestamp> {
    let (whole, fraction) = token.split_once('.').unwrap_or((token, ""));
    // Digits are parsed as integers, so that no rounding to `f64` changes a millisecond.
    let is_decimal = [whole, fraction]
        .iter()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if is_decimal && !whole.is_empty() {
        let whole: i64 = whole.parse().ok()?;
        // Prometheus counts milliseconds, and OpenMetrics seconds. Their size tells them apart.
        if whole >= SECONDS_LIMIT {
            return Timestamp::from_millisecond_checked(whole);
        }
        // Digits beyond milliseconds are truncated.
        let digits = fraction.bytes().chain([b'0'; 3]).take(3);
        let millis = digits.fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0'));
        return Timestamp::from_millisecond_checked(whole * 1000 + millis);
    }
    // OpenMetrics permits any real number, such as `-1.5` and `1.6E9`.
    let number = token
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())?;
    let is_seconds = number.abs() < SECONDS_LIMIT as f64;
    let millis = if is_seconds { number * 1000.0 } else { number };
    Timestamp::from_millisecond_checked(millis.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_seconds_or_milliseconds() {
        for (token, expected) in [
            ("0", Some(0)),
            ("1609459200", Some(1_609_459_200_000)),
            ("1609459200000", Some(1_609_459_200_000)),
            ("1609459200.000", Some(1_609_459_200_000)),
            ("1609459200.0079", Some(1_609_459_200_007)),
            ("1609459200.7", Some(1_609_459_200_700)),
            ("1609459200.", Some(1_609_459_200_000)),
            ("1609459200000.9", Some(1_609_459_200_000)),
            ("1.6094592E9", Some(1_609_459_200_000)),
            ("1.6094592E12", Some(1_609_459_200_000)),
            ("99999999999", Some(99_999_999_999_000)),
            ("100000000000", Some(100_000_000_000)),
            ("-1.5", Some(-1500)),
            ("253402300799999", Some(253_402_300_799_999)),
            ("253402300800000", None),
            ("99999999999999999999", None),
            ("-99999999999999999999", None),
            ("", None),
            (".5", Some(500)),
            ("NaN", None),
            ("+Inf", None),
            ("now", None),
            ("1e999", None),
        ] {
            assert_eq!(
                parse_timestamp(token).map(Timestamp::as_millisecond),
                expected,
                "{token}"
            );
        }
    }

    #[test]
    fn escapes_are_replaced() {
        for (raw, text) in [
            ("", Some("")),
            ("plain", Some("plain")),
            (r#"a\\b\"c\nd"#, Some("a\\b\"c\nd")),
            (r"\\n", Some(r"\n")),
            (r"é\né", Some("é\né")),
            (r"\t", None),
            (r"\é", None),
            (r"a\", None),
        ] {
            assert_eq!(unescape(raw).as_deref(), text, "{raw}");
        }
    }

    #[test]
    fn a_token_ends_at_a_blank_or_the_end_of_the_line() {
        for (line, token) in [
            ("", ""),
            (" a", "a"),
            ("a", "a"),
            ("12\t3", "12"),
            ("é!ü\u{80} 1", "é!ü\u{80}"),
        ] {
            assert_eq!(Cursor::new(line).token(), token, "{line}");
        }
    }

    #[test]
    fn only_inf_is_infinite() {
        for (token, value) in [
            ("+Inf", Ok(f64::INFINITY)),
            ("-inf", Ok(f64::NEG_INFINITY)),
            ("1.7976931348623157e308", Ok(f64::MAX)),
            ("1e400", Err("value exceeds the range of f64")),
            ("-1E309", Err("value exceeds the range of f64")),
            ("1e-400", Ok(0.0)),
        ] {
            assert_eq!(Cursor::new(token).value(), value, "{token}");
        }
        let long = format!("{}.0", "9".repeat(400));
        assert_eq!(
            Cursor::new(&long).value(),
            Err("value exceeds the range of f64")
        );
    }
}
