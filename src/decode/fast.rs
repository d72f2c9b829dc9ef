//! A reader of JSON without escapes, and without white space but where printers put it: before values, names and brackets.
//!
//! It is stricter than JSON and faster than serde_json: `None` says that something else has to read the text, never that the
//! text is wrong. What it does read is JSON, and means the same to both.

/// What is not read yet of a text.
#[derive(Clone, Debug)]
pub(crate) struct FastReader<'de> {
    rest: &'de str,
}

impl<'de> FastReader<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Self { rest: text }
    }

    pub(crate) fn rest(&self) -> &'de str {
        self.rest
    }

    /// Goes past `token` where it comes next.
    #[inline]
    pub(crate) fn consume(&mut self, token: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A string, with its quotes.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'de str> {
        self.skip_space();
        let (quote, bytes) = self.rest.as_bytes().split_first()?;
        let length = find_escape(bytes)?;
        if *quote != b'"' || bytes.get(length) != Some(&b'"') {
            return None;
        }
        let (string, rest) = self.rest.split_at_checked(length + 2)?;
        self.rest = rest;
        Some(string)
    }

    /// A number, rounded to the nearest `f64`.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<f64> {
        self.skip_space();
        let (number, length) = number(self.rest.as_bytes())?;
        self.rest = self.rest.get(length..)?;
        Some(number)
    }

    #[inline]
    fn skip_space(&mut self) {
        // One look is enough where there is none, as in what the service prints.
        if self
            .rest
            .as_bytes()
            .first()
            .is_some_and(|byte| *byte <= b' ')
        {
            let is_space = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
            let space = self.rest.as_bytes().iter().take_while(is_space).count();
            self.rest = self.rest.get(space..).unwrap_or("");
        }
    }
}

/// How many bytes of a string stand for themselves, up to a quote, a backslash or a control character.
#[inline]
fn find_escape(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH_BITS: u64 = ONES << 7;
    // The lowest bit that this sets is that of the first byte that is less than `byte`; those above it mean nothing.
    let less = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGH_BITS;
    let is = |word: u64, byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let words = text.chunks_exact(8);
    let rest = words.remainder();
    for (at, word) in words.enumerate() {
        let word = u64::from_le_bytes(word.try_into().ok()?);
        let special = less(word, b' ') | is(word, b'"') | is(word, b'\\');
        if special != 0 {
            return Some(8 * at + special.trailing_zeros() as usize / 8);
        }
    }
    let plain = rest
        .iter()
        .position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\'))?;
    Some(text.len() - rest.len() + plain)
}

/// The number in JSON that `text` starts with, rounded to the nearest `f64`, and its length; `None` where there is none, or
/// it is greater than any `f64`.
#[inline]
pub(crate) fn number(text: &[u8]) -> Option<(f64, usize)> {
    let mut digits = Digits {
        text,
        at: usize::from(text.first() == Some(&b'-')),
        mantissa: 0,
    };
    let sign = digits.at;
    let starts_with_zero = text.get(sign) == Some(&b'0');
    let whole = digits.read()?;
    // What follows a zero at the start is another number.
    if starts_with_zero && whole > 1 {
        return None;
    }
    let mut decimals = 0;
    if text.get(digits.at) == Some(&b'.') {
        digits.at += 1;
        decimals = digits.read()?;
    }
    let length = digits.at;
    let has_exponent = matches!(text.get(length), Some(b'e' | b'E'));
    // Up to 15 digits and their power of ten are exact as `f64`, so that one division rounds correctly. Whatever else there
    // is goes to the standard library.
    if has_exponent || whole + decimals > 15 {
        return long_number(text, length);
    }
    let number = digits.mantissa as f64 / POWERS_OF_TEN.get(decimals)?;
    Some((if sign == 1 { -number } else { number }, length))
}

/// A number that is long or has an exponent; the exponent stands at `length`.
fn long_number(text: &[u8], mut length: usize) -> Option<(f64, usize)> {
    if matches!(text.get(length), Some(b'e' | b'E')) {
        length += 1 + usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        let mut digits = Digits {
            text,
            at: length,
            mantissa: 0,
        };
        digits.read()?;
        length = digits.at;
    }
    let number: f64 = std::str::from_utf8(text.get(..length)?)
        .ok()?
        .parse()
        .ok()?;
    number.is_finite().then_some((number, length))
}

struct Digits<'a> {
    text: &'a [u8],
    at: usize,
    /// Of no use once it has run over, which takes more digits than are asked for.
    mantissa: u64,
}

impl Digits<'_> {
    /// Reads at least one digit, and says how many there were.
    #[inline]
    fn read(&mut self) -> Option<usize> {
        let start = self.at;
        while let Some(digit) = self
            .text
            .get(self.at)
            .map(|byte| byte.wrapping_sub(b'0'))
            .filter(|digit| *digit < 10)
        {
            self.mantissa = self
                .mantissa
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit));
            self.at += 1;
        }
        Some(self.at - start).filter(|count| *count > 0)
    }
}

const POWERS_OF_TEN: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_plain_string_is_found_at_every_place_behind_every_byte() {
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
    fn numbers_are_those_of_json_rounded_to_the_nearest() {
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
            let read = number(text.as_bytes());
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
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(number(b"12,"), Some((12.0, 2)));
    }

    #[test]
    fn strings_end_at_their_quote_and_hold_nothing_that_needs_a_second_look() {
        for text in [r#""tópic":"""#, " \n\"tópic\" :\t\r\n \"\""] {
            let mut text = FastReader::new(text);
            assert_eq!(
                (text.string(), text.consume(":"), text.string(), text.rest()),
                (Some("\"tópic\""), true, Some("\"\""), "")
            );
        }
        // Other characters that people take for white space are none to JSON.
        for text in ["\u{b}\"\"", "\u{a0}\"\"", "\u{feff}\"\""] {
            assert_eq!(FastReader::new(text).string(), None, "{text:?}");
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
            let mut plain = FastReader::new(text);
            assert_eq!((plain.string(), plain.rest()), (None, text));
        }
    }
}
