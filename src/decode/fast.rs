//! The fast path for query responses.
//!
//! It parses the JSON that serializers print: no escapes in strings, and no fields in a point but
//! its own. That is a subset of JSON, and `None` means that the input is outside the subset, not
//! that it is invalid. The caller then decodes it with `serde_json`, to the same result or to an
//! error. It takes half the time of `serde_json`. Each point goes to the [`SeriesBuilder`] as soon
//! as it is read. This response is in the subset:
//!
//! ```json
//! {"data":[{"timestamp":"2026-01-01T00:00:00Z","value":7.0,"metric.topic":"orders"}]}
//! ```
//!
//! These are not, so that `serde_json` decodes the first two, and rejects the third:
//!
//! ```text
//! {"meta":{},"data":[]}                        `data` is not the first field
//! {"data":[{"metric.topic":"\u00e9", …}]}      a string with an escape
//! {"data":[{"timestamp":"yesterday", …}]}      an invalid timestamp
//! ```
//!
//! Two algorithms are behind its speed:
//! - Strings are scanned eight bytes at a time for a quote, a backslash or a control character by
//!   [Mycroft's zero-byte test], as `skip_to_escape` in [serde_json] does.
//! - Short decimal numbers are converted by [Clinger's fast path]: up to 15 digits and their power
//!   of ten are exact in `f64`, so that one division rounds correctly.
//!
//! [Mycroft's zero-byte test]: https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
//! [serde_json]: https://github.com/serde-rs/json/blob/v1.0.140/src/read.rs
//! [Clinger's fast path]: https://doi.org/10.1145/93542.93557

use std::borrow::Cow;

use crate::decode::envelope::{Envelope, decode_response};
use crate::decode::json::MAX_MEMBERS;
use crate::decode::row_point::{RowPoint, TimestampCache};
use crate::decode::rows::{RowsSeed, SeriesBuilder};
use crate::model::series::PointBuffer;
use crate::request::query::RowFormat;
use crate::time::deadline::Interrupt;
use crate::time::timestamp::Timestamp;

/// Decodes a query response, or returns `None` if it is outside the subset.
///
/// The rows are in the builder, and the fields after them in the envelope. `None` also means that
/// the deadline has passed, which the caller checks.
pub(crate) fn decode<'de>(
    text: &'de str,
    format: RowFormat,
    interrupt: &'de Interrupt<'_>,
) -> Option<(SeriesBuilder<'de>, Envelope)> {
    // A response with leading white space is left to the other path, so that tests can compare
    // the two.
    if !text.starts_with('{') {
        return None;
    }
    let mut reader = FastReader { rest: text };
    let mut rows = SeriesBuilder::new(interrupt);
    reader.expect("{")?;
    reader.expect("\"data\":")?;
    reader.expect("[")?;
    if !reader.consume("]") {
        loop {
            match format {
                RowFormat::Flat => parse_flat_row(&mut reader, &mut rows)?,
                RowFormat::Grouped => parse_grouped_row(&mut reader, &mut rows)?,
            }
            if !reader.consume(",") {
                break;
            }
        }
        reader.expect("]")?;
    }
    // The envelope after the rows is short. It is decoded as a response without rows.
    let envelope = format!("{{\"data\":[]{}", reader.rest);
    let no_rows = RowsSeed {
        rows: &mut SeriesBuilder::new(interrupt),
        format,
    };
    let ((), envelope) = decode_response(&envelope, no_rows).ok()?;
    Some((rows, envelope))
}

/// Parses a FLAT row: the fields of a point among labels.
///
/// The labels go to [`SeriesBuilder::members`], and the point to the series that they name.
fn parse_flat_row<'de>(reader: &mut FastReader<'de>, rows: &mut SeriesBuilder<'de>) -> Option<()> {
    rows.members.clear();
    let mut point = PointFields::default();
    reader.expect("{")?;
    loop {
        if !point.parse_field(reader, &mut rows.timestamps)? {
            parse_label(reader, rows)?;
        }
        if !reader.consume(",") {
            break;
        }
    }
    reader.expect("}")?;
    rows.add_point(point.finish()?).ok()
}

/// Parses a GROUPED row: a list of points among labels.
fn parse_grouped_row<'de>(
    reader: &mut FastReader<'de>,
    rows: &mut SeriesBuilder<'de>,
) -> Option<()> {
    rows.members.clear();
    let mut points = None;
    reader.expect("{")?;
    loop {
        if points.is_none() && reader.consume("\"points\":") {
            points = Some(parse_points(reader, &mut rows.timestamps, rows.interrupt)?);
        } else {
            parse_label(reader, rows)?;
        }
        if !reader.consume(",") {
            break;
        }
    }
    reader.expect("}")?;
    rows.add_points(points?).ok()
}

/// Parses a label, and adds it to the members of the row.
///
/// Returns `None` for a repeated field of the row, and for more members than allowed. The other
/// path then reports the error.
fn parse_label<'de>(reader: &mut FastReader<'de>, rows: &mut SeriesBuilder<'de>) -> Option<()> {
    let name = reader.string()?;
    let name = name.get(1..name.len() - 1)?;
    let is_repeated_field = matches!(name, "timestamp" | "value" | "points");
    if is_repeated_field || rows.members.len() == MAX_MEMBERS {
        return None;
    }
    reader.expect(":")?;
    rows.members.push((Cow::Borrowed(name), reader.string()?));
    Some(())
}

/// Parses a list of points, which may be empty. Returns `None` after the deadline as well.
fn parse_points(
    reader: &mut FastReader<'_>,
    timestamps: &mut TimestampCache,
    interrupt: &Interrupt<'_>,
) -> Option<PointBuffer> {
    let mut points = PointBuffer::default();
    reader.expect("[")?;
    if reader.consume("]") {
        return Some(points);
    }
    loop {
        interrupt.step().ok()?;
        let point = parse_point(reader, timestamps)?;
        points.push(point.timestamp, point.value);
        if !reader.consume(",") {
            break;
        }
    }
    reader.expect("]")?;
    Some(points)
}

/// Parses a point that has no other fields.
#[inline]
fn parse_point(reader: &mut FastReader<'_>, timestamps: &mut TimestampCache) -> Option<RowPoint> {
    let mut point = PointFields::default();
    reader.expect("{")?;
    loop {
        if !point.parse_field(reader, timestamps)? {
            return None;
        }
        if !reader.consume(",") {
            break;
        }
    }
    reader.expect("}")?;
    point.finish()
}

/// The fields of a point, which may be in any order.
///
/// A field that was read already is not one of them, so that a repeated field leaves the subset.
#[derive(Default)]
struct PointFields {
    /// `None` until the timestamp is read.
    timestamp: Option<Timestamp>,
    /// A null value is `Some(None)`.
    #[expect(clippy::option_option, reason = "a value may be null or missing")]
    value: Option<Option<f64>>,
}

impl PointFields {
    /// Parses a field of a point. Returns false if the next field is another one.
    #[inline]
    fn parse_field(
        &mut self,
        reader: &mut FastReader<'_>,
        timestamps: &mut TimestampCache,
    ) -> Option<bool> {
        if self.timestamp.is_none() && reader.consume("\"timestamp\":") {
            let text = reader.string()?;
            self.timestamp = Some(timestamps.parse(text.get(1..text.len() - 1)?).ok()?);
            return Some(true);
        }
        if self.value.is_none() && reader.consume("\"value\":") {
            let is_null = reader.consume("null");
            self.value = Some(if is_null {
                None
            } else {
                Some(reader.number()?)
            });
            return Some(true);
        }
        Some(false)
    }

    /// Returns the point, or `None` if a field is missing.
    #[inline]
    fn finish(self) -> Option<RowPoint> {
        Some(RowPoint {
            timestamp: self.timestamp?,
            value: self.value?,
        })
    }
}

/// A position in a text.
///
/// Methods that return `None` may have moved the position. That is harmless, because the other path
/// starts over.
#[derive(Clone, Debug)]
struct FastReader<'de> {
    /// The text that is not consumed yet.
    rest: &'de str,
}

impl<'de> FastReader<'de> {
    /// Consumes `token` if it is next.
    #[inline]
    fn consume(&mut self, token: &str) -> bool {
        self.skip_whitespace();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Consumes `token`, or returns `None` if it is not next.
    #[inline]
    fn expect(&mut self, token: &str) -> Option<()> {
        self.consume(token).then_some(())
    }

    /// Consumes a string without escapes, and returns it with its quotes.
    ///
    /// The quotes stay because labels keep the JSON of their values, as the other path does.
    /// Returns `None` for a string with escapes, and if no string is next.
    #[inline]
    fn string(&mut self) -> Option<&'de str> {
        self.skip_whitespace();
        let (quote, bytes) = self.rest.as_bytes().split_first()?;
        // Only a closing quote may be found. An escape or a control character leaves the subset.
        let length = find_escape(bytes)?;
        if *quote != b'"' || bytes.get(length) != Some(&b'"') {
            return None;
        }
        let (string, rest) = self.rest.split_at_checked(length + 2)?;
        self.rest = rest;
        Some(string)
    }

    /// Consumes a number, rounded to the nearest `f64`.
    #[inline]
    fn number(&mut self) -> Option<f64> {
        self.skip_whitespace();
        let (number, length) = parse_number(self.rest.as_bytes())?;
        self.rest = self.rest.get(length..)?;
        Some(number)
    }

    /// Skips the white space of JSON: spaces, line feeds, carriage returns and tabs.
    #[inline]
    fn skip_whitespace(&mut self) {
        // The service prints none, so that one comparison is usually enough.
        let first = self.rest.as_bytes().first();
        if first.is_some_and(|byte| *byte <= b' ') {
            self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
        }
    }
}

/// Returns the index of the first quote, backslash or control character.
///
/// These characters end a string, or make it differ from its value:
///
/// ```text
/// orders","value":7    6, the closing quote
/// a\u0062"             1, an escape
/// orders               None, an unterminated string
/// ```
#[inline]
fn find_escape(text: &[u8]) -> Option<usize> {
    let chunks = text.chunks_exact(8);
    let remainder = chunks.remainder();
    for (index, chunk) in chunks.enumerate() {
        let word = u64::from_le_bytes(chunk.try_into().ok()?);
        let escapes = less_than(word, b' ') | equal_to(word, b'"') | equal_to(word, b'\\');
        if escapes != 0 {
            // In little-endian order the lowest bit belongs to the first byte.
            return Some(8 * index + escapes.trailing_zeros() as usize / 8);
        }
    }
    let index = remainder
        .iter()
        .position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\'))?;
    Some(text.len() - remainder.len() + index)
}

/// A word with 1 in every byte. Multiplied by a byte it repeats the byte.
const ONES: u64 = u64::from_le_bytes([1; 8]);
/// A word with the highest bit of every byte.
const HIGH_BITS: u64 = ONES << 7;

/// Sets the high bit of the first byte of `word` that is less than `bound`. The bits above it mean
/// nothing, because the subtraction may borrow.
#[inline]
fn less_than(word: u64, bound: u8) -> u64 {
    // The subtraction sets the high bit of bytes less than `bound`, and keeps that of most bytes
    // from 0x80. `!word` removes the latter, which are parts of characters beyond ASCII.
    word.wrapping_sub(ONES * u64::from(bound)) & !word & HIGH_BITS
}

/// Sets the high bit of the first byte of `word` that equals `byte`.
///
/// ```text
/// word              the bytes of ab"cdefg, the first one lowest
/// equal_to(quote)   0x0000_0000_0080_0000, the high bit of byte 2
/// ```
#[inline]
fn equal_to(word: u64, byte: u8) -> u64 {
    // The bytes that equal `byte` become zero, and only zero is less than 1.
    less_than(word ^ (ONES * u64::from(byte)), 1)
}

/// Parses the JSON number at the start of `text`, and returns it with its length.
///
/// Returns `None` if there is none, or if it exceeds the range of `f64`.
///
/// ```text
/// 1574.0,"a"    (1574.0, 6)      digits 15740 / 10
/// 1.5E7}        (15000000.0, 5)  by the standard library
/// 01            None             JSON has no leading zeros
/// ```
#[inline]
fn parse_number(text: &[u8]) -> Option<(f64, usize)> {
    let is_negative = text.first() == Some(&b'-');
    let mut digits = Digits {
        text,
        end: usize::from(is_negative),
        mantissa: 0,
    };
    let starts_with_zero = text.get(digits.end) == Some(&b'0');
    let integer_len = digits.parse()?;
    // JSON has no leading zeros.
    if starts_with_zero && integer_len > 1 {
        return None;
    }
    let mut fraction_len = 0;
    if text.get(digits.end) == Some(&b'.') {
        digits.end += 1;
        fraction_len = digits.parse()?;
    }
    let has_exponent = matches!(text.get(digits.end), Some(b'e' | b'E'));
    if has_exponent || integer_len + fraction_len > MAX_EXACT_DIGITS {
        return parse_long_number(text, digits.end);
    }
    // Clinger's fast path. The mantissa has at most 15 digits and is exact.
    let magnitude = digits.mantissa as f64 / POWERS_OF_TEN.get(fraction_len)?;
    let number = if is_negative { -magnitude } else { magnitude };
    Some((number, digits.end))
}

/// Parses a number with many digits or an exponent by the standard library. `end` is the end of
/// its digits.
///
/// The exponent of JSON may have a sign, and needs at least one digit.
fn parse_long_number(text: &[u8], mut end: usize) -> Option<(f64, usize)> {
    if matches!(text.get(end), Some(b'e' | b'E')) {
        end += 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let mut digits = Digits {
            text,
            end,
            mantissa: 0,
        };
        digits.parse()?;
        end = digits.end;
    }
    // The standard library rounds to the nearest `f64` by the algorithm of Eisel and Lemire:
    // <https://arxiv.org/abs/2101.11408>.
    let number: f64 = std::str::from_utf8(text.get(..end)?).ok()?.parse().ok()?;
    number.is_finite().then_some((number, end))
}

/// Decimal digits up to a position in a text.
struct Digits<'a> {
    /// The text from the sign of the number on.
    text: &'a [u8],
    /// The index after the last digit that was parsed.
    end: usize,
    /// The digits as a number. It wraps if there are more than [`MAX_EXACT_DIGITS`], and is then
    /// not used.
    mantissa: u64,
}

impl Digits<'_> {
    /// Parses at least one digit, and returns their number.
    #[inline]
    fn parse(&mut self) -> Option<usize> {
        let start = self.end;
        while let Some(byte) = self.text.get(self.end) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            self.mantissa = self
                .mantissa
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit));
            self.end += 1;
        }
        let count = self.end - start;
        // JSON requires a digit before and after the decimal point, and in the exponent.
        (count > 0).then_some(count)
    }
}

/// Numbers of up to this many digits are exact in `f64`: they are less than 2^53.
const MAX_EXACT_DIGITS: usize = 15;

/// The divisors of numbers with up to 15 digits after the decimal point. All are exact.
const POWERS_OF_TEN: [f64; MAX_EXACT_DIGITS + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_found_at_every_index_after_every_byte() {
        let is_special = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\');
        for (byte, other) in
            (0..=u8::MAX).flat_map(|byte| [b'a', 0x80, 0xff, b'!', b'#', b'['].map(|o| (byte, o)))
        {
            for at in 0..20 {
                let mut text = vec![other; 20];
                text[at] = byte;
                assert_eq!(
                    find_escape(&text),
                    is_special(byte).then_some(at),
                    "{byte:#x} at {at} in {other:#x}"
                );
                text.extend([byte, b'"']);
                let first = text.iter().position(|byte| is_special(*byte));
                assert_eq!(find_escape(&text), first, "{byte:#x} at {at} in {other:#x}");
            }
        }
        assert_eq!(find_escape(b""), None);
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_f64() {
        for text in [
            "0",
            "-0",
            "7",
            "-7.25",
            "0.1",
            "1574.0",
            "29.316666666666666",
            "1.736948396647E12",
            "-9.223372036854776E18",
            "999999999999999",
            "9007199254740993",
            "0.000000000000001",
            "1e0",
            "1E-7",
            "2.2250738585072014e-308",
            "4.9E-324",
            "1e400",
            "-1e400",
            "123456789012345678901234567890",
        ] {
            let expected = text.parse::<f64>().ok().filter(|number| number.is_finite());
            let read = parse_number(text.as_bytes());
            assert_eq!(
                read.map(|(number, _)| number.to_bits()),
                expected.map(f64::to_bits),
                "{text}"
            );
            assert!(
                read.is_none_or(|(_, length)| length == text.len()),
                "{text}"
            );
        }
        for text in [
            "", "-", "+1", ".5", "01", "-00", "1.", "1.e3", "1e", "1e+", "NaN", "Infinity", "null",
            "\"1\"",
        ] {
            assert_eq!(parse_number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_number(b"12,"), Some((12.0, 2)));
    }

    #[test]
    fn strings_have_no_escapes() {
        for text in [r#""tópic":"""#, " \n\"tópic\" :\t\r\n \"\""] {
            let mut text = FastReader { rest: text };
            assert_eq!(
                (text.string(), text.consume(":"), text.string(), text.rest),
                (Some("\"tópic\""), true, Some("\"\""), "")
            );
        }
        // JSON has no other white space.
        for text in ["\u{b}\"\"", "\u{a0}\"\"", "\u{feff}\"\""] {
            assert_eq!(FastReader { rest: text }.string(), None, "{text:?}");
        }
        for text in [
            "",
            "\"",
            "\"a",
            "a\"",
            r#""a\"b""#,
            r#""a\u0041""#,
            "\"a\nb\"",
            "\"a\u{0}\"",
        ] {
            let mut reader = FastReader { rest: text };
            assert_eq!((reader.string(), reader.rest), (None, text));
        }
    }
}
