//! A place in the text of an export, moved along by what stands there.

use std::borrow::Cow;

use crate::timestamp::Timestamp;

/// A place in a text.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'t> {
    pub(crate) text: &'t str,
    pub(crate) at: usize,
}

/// Why a line cannot be read.
pub(crate) type Fault = &'static str;

pub(crate) const BROKEN_OFF: Fault = "the text breaks off here, so the rest of it is missing";

/// A time below this is in seconds, and any other in milliseconds: it lies in the year 5138, or in 1973.
const FIRST_MILLISECOND: i64 = 100_000_000_000;

impl<'t> Scanner<'t> {
    pub(crate) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or(&[])
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    pub(crate) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// The line from its second sign on, and whether it has an end.
    pub(crate) fn comment(&mut self) -> (&'t str, bool) {
        let rest = self.text.get(self.at + 1..).unwrap_or("");
        let (comment, is_whole) = match rest.split_once('\n') {
            Some((comment, _)) => (comment, true),
            None => (rest, false),
        };
        self.at = self.text.len() - rest.len() + comment.len() + usize::from(is_whole);
        (comment, is_whole)
    }

    /// A name, which may have these signs besides letters, digits and underscores; empty where there is none.
    pub(crate) fn name(&mut self, signs: &[u8]) -> &'t str {
        let length = name_length(self.rest(), signs);
        let name = self.text.get(self.at..self.at + length).unwrap_or("");
        self.at += name.len();
        name
    }

    /// The name of a label, up to the start of its value.
    #[inline]
    pub(crate) fn label_name(&mut self) -> Result<&'t str, Fault> {
        let name = self.name(b"");
        if name.is_empty() {
            return Err("a label has no name");
        }
        self.skip_blanks();
        if !self.take(b'=') {
            return Err("a label has no '=' after its name");
        }
        self.skip_blanks();
        if !self.take(b'"') {
            return Err("a label's value is not in quotes");
        }
        Ok(name)
    }

    /// Passes over the value of a label, and gives its end and whether there is a backslash in it.
    #[inline]
    pub(crate) fn label_value(&mut self) -> Result<(usize, bool), Fault> {
        let mut has_escapes = false;
        loop {
            let step = end_of_plain(self.rest()).ok_or(BROKEN_OFF)?;
            let end = self.at + step;
            match self.rest().get(step..) {
                Some([b'"', ..]) => {
                    self.at = end + 1;
                    return Ok((end, has_escapes));
                }
                Some([b'\\', _, ..]) => self.at = end + 2,
                _ => return Err("a label's value has no end"),
            }
            has_escapes = true;
        }
    }

    /// Reads what follows a label, and gives whether another one may.
    #[inline]
    pub(crate) fn after_label(&mut self) -> Result<bool, Fault> {
        self.skip_blanks();
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(b'}') {
            return Ok(false);
        }
        Err("after a label there is neither a comma nor the end of the labels")
    }

    pub(crate) fn value(&mut self) -> Result<f64, Fault> {
        self.skip_blanks();
        match self.token() {
            "" => Err("it has no value"),
            token => token.parse().map_err(|_| "the value is not a number"),
        }
    }

    /// Passes over an example of what was counted, which only OpenMetrics has.
    #[inline]
    pub(crate) fn exemplar(&mut self) -> Result<(), Fault> {
        self.skip_blanks();
        if self.peek() != Some(b'#') {
            return Ok(());
        }
        if !self.rest().starts_with(b"# {") {
            return Err("something follows the value that is not a time");
        }
        self.at += self.rest().iter().position(|byte| *byte == b'\n').ok_or(BROKEN_OFF)?;
        Ok(())
    }

    /// Passes over the end of the line; without one the text may have been cut, and a number with it.
    pub(crate) fn end_of_line(&mut self) -> Result<(), Fault> {
        self.take(b'\r');
        if self.take(b'\n') {
            return Ok(());
        }
        Err(if self.peek().is_none() { BROKEN_OFF } else { "something follows the value that is not a time" })
    }

    /// All up to the next blank or the end of the line.
    pub(crate) fn token(&mut self) -> &'t str {
        let rest = self.rest();
        let is_end = |byte: u8| byte <= b' ';
        let length = position(rest, is_end, |eight| {
            // The top bit of the first byte that is not above a blank, and perhaps of bytes after it.
            eight.wrapping_sub(EACH * u64::from(b' ' + 1)) & !eight & TOP
        });
        let token = self.text.get(self.at..self.at + length.unwrap_or(rest.len())).unwrap_or("");
        self.at += token.len();
        token
    }
}

/// How many bytes at the start make a name, which may have these signs as well.
pub(crate) fn name_length(bytes: &[u8], signs: &[u8]) -> usize {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || signs.contains(&byte);
    let length = bytes.iter().take_while(|byte| is_start(**byte) || byte.is_ascii_digit()).count();
    if bytes.first().is_some_and(|byte| is_start(*byte)) { length } else { 0 }
}

/// The next word, and what follows the blanks after it.
pub(crate) fn next_word(text: &str) -> (&str, &str) {
    let text = text.trim_ascii_start();
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_ascii_start())
}

/// The text without its escapes; `None` where there is one that is none.
#[inline]
pub(crate) fn unescaped(raw: &str) -> Option<Cow<'_, str>> {
    let Some((start, mut rest)) = raw.split_once('\\') else { return Some(Cow::Borrowed(raw)) };
    let mut text = start.to_owned();
    loop {
        text.push(match rest.bytes().next()? {
            b'n' => '\n',
            sign @ (b'"' | b'\\') => char::from(sign),
            _ => return None,
        });
        match rest.get(1..)?.split_once('\\') {
            Some((part, more)) => {
                text.push_str(part);
                rest = more;
            }
            None => {
                text.push_str(rest.get(1..)?);
                return Some(Cow::Owned(text));
            }
        }
    }
}

/// Seconds or milliseconds since 1970, whole or with a fraction.
#[inline]
pub(crate) fn milliseconds(token: &str) -> Option<i64> {
    let (whole, fraction) = token.split_once('.').unwrap_or((token, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let milliseconds = if is_digits(whole) && is_digits(fraction) && !whole.is_empty() {
        let whole: i64 = whole.parse().ok()?;
        if whole < FIRST_MILLISECOND {
            let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |byte| i64::from(byte - b'0'));
            whole * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2)
        } else {
            whole
        }
    } else {
        let number = token.parse::<f64>().ok().filter(|number| number.is_finite())?;
        let is_seconds = number.abs() < FIRST_MILLISECOND as f64;
        (if is_seconds { number * 1000.0 } else { number }).round() as i64
    };
    Timestamp::in_range(milliseconds).map(Timestamp::as_millisecond)
}

/// Where the first quote, backslash or end of a line is.
fn end_of_plain(bytes: &[u8]) -> Option<usize> {
    let zeros = |eight: u64| eight.wrapping_sub(EACH) & !eight & TOP;
    let found = |eight: u64, byte: u8| zeros(eight ^ (EACH * u64::from(byte)));
    position(
        bytes,
        |byte| matches!(byte, b'"' | b'\\' | b'\n'),
        |eight| found(eight, b'"') | found(eight, b'\\') | found(eight, b'\n'),
    )
}

/// A one in each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The top bit of each of eight bytes.
const TOP: u64 = EACH << 7;

/// Where the first byte is that is looked for, by looking at eight at once: `among` marks the top bit of the first one
/// found, and may mark others after it.
#[inline]
fn position(bytes: &[u8], is_it: impl Fn(u8) -> bool, among: impl Fn(u64) -> u64) -> Option<usize> {
    let mut start = 0;
    for eight in bytes.chunks_exact(8) {
        let found = among(word(eight));
        if found != 0 {
            return Some(start + (found.trailing_zeros() / 8) as usize);
        }
        start += 8;
    }
    bytes.get(start..)?.iter().position(|byte| is_it(*byte)).map(|place| start + place)
}

/// How many bytes two texts begin with that are the same.
#[inline]
pub(crate) fn shared_length(a: &[u8], b: &[u8]) -> usize {
    const STEP: usize = 16;
    let word = |bytes: &[u8]| u128::from_le_bytes(bytes.try_into().unwrap_or_default());
    let mut same = 0;
    for (a, b) in a.chunks_exact(STEP).zip(b.chunks_exact(STEP)) {
        let differs = word(a) ^ word(b);
        if differs != 0 {
            return same + (differs.trailing_zeros() / 8) as usize;
        }
        same += STEP;
    }
    let (a, b) = (a.get(same..).unwrap_or(&[]), b.get(same..).unwrap_or(&[]));
    same + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Eight bytes, the first one the lowest.
pub(crate) fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_at_once_find_what_one_by_one_finds() {
        let is_end = |byte: u8| matches!(byte, b'"' | b'\\' | b'\n');
        for length in 0..40 {
            for byte in 0..=255_u8 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    if let Some(next) = bytes.get_mut(place + 1) {
                        *next = byte.wrapping_add(1);
                    }
                    assert_eq!(
                        end_of_plain(&bytes),
                        bytes.iter().position(|byte| is_end(*byte)),
                        "{bytes:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_token_ends_at_a_blank_or_the_end_of_the_line() {
        for (text, token) in [
            ("", ""),
            (" a", ""),
            ("a", "a"),
            ("12345678", "12345678"),
            ("1234567\n", "1234567"),
            ("12345678\t9", "12345678"),
            ("1.5E7\r\n", "1.5E7"),
            ("é!ü\u{80} 12345678", "é!ü\u{80}"),
        ] {
            let mut scan = Scanner { text, at: 0 };
            assert_eq!((scan.token(), scan.at), (token, token.len()));
        }
    }

    #[test]
    fn shared_starts_are_measured_to_the_byte() {
        let text: Vec<u8> = (0..100).collect();
        for length in [0, 1, 15, 16, 17, 31, 32, 33, 99] {
            let mut other = text.clone();
            other[length] ^= 0x80;
            assert_eq!(shared_length(&text, &other), length);
            assert_eq!(shared_length(&text[..length], &text), length);
            assert_eq!(shared_length(&text, &text[..length]), length);
        }
    }

    #[test]
    fn times_are_seconds_or_milliseconds() {
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
            assert_eq!(milliseconds(token), expected, "{token}");
        }
    }

    #[test]
    fn escapes_are_taken_out() {
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
            assert_eq!(unescaped(raw).as_deref(), text, "{raw}");
        }
    }
}
