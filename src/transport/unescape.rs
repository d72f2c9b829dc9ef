//! Decodes the escapes of JSON, URLs and HTML, and keeps the position of each character.
//!
//! [`Redactor`](super::redact::Redactor) searches what is decoded here, and replaces the secrets in
//! the original text. So a decoded character must know its origin:
//!
//! ```text
//! text       a  %  2  f  b
//! decoded    a  /  b
//! bytes      0..1  1..4  4..5
//! ```
//!
//! A [`Decoder`] undoes one kind of escape, and [`decode`] applies it to a text once from left to
//! right. What it decodes may be another escape, which the next call decodes: `%252f` becomes `%2f`
//! and then `/`. The ranges always refer to the original text, however many layers there were.
//!
//! Text that looks like an invalid escape is left as it is.

use std::ops::Range;

/// A character, and the bytes of the original text that it was decoded from.
#[derive(Clone, PartialEq)]
pub(crate) struct Decoded {
    /// The character, after [`normalize`].
    pub(crate) char: char,
    /// The position of the character, or of its escape, in the original text.
    pub(crate) bytes: Range<usize>,
}

/// Returns the bytes from the first to the last character.
///
/// Returns `None` if there is no character. The characters must be adjacent in the text.
pub(crate) fn byte_range(text: &[Decoded]) -> Option<Range<usize>> {
    Some(text.first()?.bytes.start..text.last()?.bytes.end)
}

/// Maps characters that an echo may confuse to the same one: lower and upper case, `+` and a space.
///
/// Both the secret and the text are normalized before they are compared.
pub(crate) const fn normalize(c: char) -> char {
    if c == '+' {
        ' '
    } else {
        c.to_ascii_lowercase()
    }
}

/// Decodes the escape at the beginning of a text.
///
/// Returns the character and the length of the escape, or `None` if the text does not begin with an
/// escape of that kind.
pub(crate) type Decoder = fn(&[Decoded]) -> Option<(char, usize)>;

/// The decoders of all kinds of escape.
pub(crate) const DECODERS: [Decoder; 3] = [decode_backslash, decode_percent, decode_html];

/// Returns the characters of a text, without decoding escapes.
pub(crate) fn literal_chars(text: &str) -> Vec<Decoded> {
    text.char_indices()
        .map(|(start, c)| Decoded {
            char: normalize(c),
            bytes: start..start + c.len_utf8(),
        })
        .collect()
}

/// Decodes one layer of escapes. Returns `None` if there are none.
///
/// A text without escapes is the usual case, so nothing is allocated until the first one.
pub(crate) fn decode(text: &[Decoded], decoder: Decoder) -> Option<Vec<Decoded>> {
    let mut result: Option<Vec<Decoded>> = None;
    let mut at = 0;
    while at < text.len() {
        let escape = decoder(&text[at..]);
        if let Some((char, length)) = escape {
            let bytes = byte_range(&text[at..at + length])?;
            result
                .get_or_insert_with(|| text[..at].to_vec())
                .push(Decoded {
                    char: normalize(char),
                    bytes,
                });
            at += length;
        } else {
            if let Some(result) = &mut result {
                result.push(text[at].clone());
            }
            at += 1;
        }
    }
    result
}

/// Decodes an escape of JSON, Rust or C: `\u002f`, `\u{2f}`, `\x2f`, `\/`.
///
/// A backslash before punctuation or a space escapes that character: `\/` is `/`.
fn decode_backslash(text: &[Decoded]) -> Option<(char, usize)> {
    if char_at(text, 0)? != '\\' {
        return None;
    }
    match char_at(text, 1)? {
        'u' if char_at(text, 2)? == '{' => {
            let (value, length) = digits(text.get(3..)?, 16, 6)?;
            (char_at(text, 3 + length)? == '}').then_some((char::from_u32(value)?, 4 + length))
        }
        'u' => {
            let unit = exact_digits(text, 2, 4)?;
            if let Some(char) = char::from_u32(unit) {
                return Some((char, 6));
            }
            // Characters beyond the Basic Multilingual Plane are two units of UTF-16.
            let is_pair = char_at(text, 6)? == '\\' && char_at(text, 7)? == 'u';
            let units = [unit, exact_digits(text, 8, 4).filter(|_| is_pair)?];
            let units = units.map(|unit| u16::try_from(unit).unwrap_or_default());
            Some((char::decode_utf16(units).next()?.ok()?, 12))
        }
        'x' => Some((char::from_u32(exact_digits(text, 2, 2)?)?, 4)),
        // Letters escape control characters, which no secret contains.
        c if c.is_ascii_punctuation() || c == ' ' => Some((c, 2)),
        _ => None,
    }
}

/// Decodes a percent-encoded character, which is one to four bytes of UTF-8.
///
/// See [RFC 3986, section 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1). Bytes are
/// added one at a time, until they are valid UTF-8: `%c3%a9` is one character.
fn decode_percent(text: &[Decoded]) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    while bytes.len() < 4 && char_at(text, 3 * bytes.len())? == '%' {
        bytes.push(u8::try_from(exact_digits(text, 3 * bytes.len() + 1, 2)?).ok()?);
        // This is a single character, because fewer bytes were not valid.
        if let Ok(char) = std::str::from_utf8(&bytes) {
            return Some((char.chars().next()?, 3 * bytes.len()));
        }
    }
    None
}

/// Decodes a character reference of HTML: `&#47;`, `&#x2f;`, `&sol;`. As in browsers, the semicolon
/// is optional.
///
/// Names have no upper case here, since the text is normalized.
fn decode_html(text: &[Decoded]) -> Option<(char, usize)> {
    if char_at(text, 0)? != '&' {
        return None;
    }
    let (char, length) = match (char_at(text, 1)?, char_at(text, 2)) {
        // Normalization has turned an `X` into an `x`.
        ('#', Some('x')) => {
            let (value, length) = digits(text.get(3..)?, 16, 8)?;
            (char::from_u32(value)?, 3 + length)
        }
        ('#', _) => {
            let (value, length) = digits(text.get(2..)?, 10, 8)?;
            (char::from_u32(value)?, 2 + length)
        }
        _ => {
            let (name, char) = HTML_NAMES
                .iter()
                .find(|(name, _)| starts_with(&text[1..], name))?;
            (*char, 1 + name.len())
        }
    };
    Some((
        char,
        length + usize::from(char_at(text, length) == Some(';')),
    ))
}

/// Returns true if the text begins with the characters of `name`.
fn starts_with(text: &[Decoded], name: &str) -> bool {
    name.chars()
        .enumerate()
        .all(|(index, c)| char_at(text, index) == Some(c))
}

/// Returns the character at an index, or `None` beyond the end.
fn char_at(text: &[Decoded], at: usize) -> Option<char> {
    text.get(at).map(|decoded| decoded.char)
}

/// Parses one to `max` digits. Returns their value and their number.
///
/// Returns `None` if there is no digit, or if the value is too large for a `u32`.
fn digits(text: &[Decoded], radix: u32, max: usize) -> Option<(u32, usize)> {
    let mut value = 0_u32;
    let mut length = 0;
    while let Some(digit) = char_at(text, length)
        .and_then(|c| c.to_digit(radix))
        .filter(|_| length < max)
    {
        value = value.checked_mul(radix)?.checked_add(digit)?;
        length += 1;
    }
    (length > 0).then_some((value, length))
}

/// Parses exactly `count` hexadecimal digits.
///
/// `at` is the index of the first one. Returns `None` if there are fewer.
fn exact_digits(text: &[Decoded], at: usize, count: usize) -> Option<u32> {
    let (value, length) = digits(text.get(at..)?, 16, count)?;
    (length == count).then_some(value)
}

/// The HTML names of printable ASCII characters in lower case. See the
/// [HTML standard](https://html.spec.whatwg.org/multipage/named-characters.html).
///
/// A name must precede its own prefixes, such as `verbar` before `vert`.
const HTML_NAMES: [(&str, char); 36] = [
    ("excl", '!'),
    ("quot", '"'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("amp", '&'),
    ("apos", '\''),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("commat", '@'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("lt", '<'),
    ("equals", '='),
    ("gt", '>'),
    ("quest", '?'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];

/// Returns `text` without an escape at its end that may be truncated.
///
/// `secret%2` becomes `secret`. A complete escape at the end is cut as well, because it may be the
/// beginning of a longer one.
pub(crate) fn trim_partial_escape(text: &str) -> &str {
    /// The length of the longest escape, a pair of UTF-16 units such as `\ud83d\ude00`.
    const MAX_ESCAPE: usize = 12;
    for (at, c) in text.char_indices().rev().take(MAX_ESCAPE) {
        match c {
            '%' | '&' | '\\' => return &text[..at],
            '#' | '{' => {}
            c if c.is_ascii_alphanumeric() => {}
            _ => break,
        }
    }
    text
}
