//! A simple JSON parser that keeps numbers, texts and repeated members as they are written, and
//! changes of JSON that keep it valid, since few changes of single bytes do.

// Each target uses a part.
#![allow(dead_code)]

use libfuzzer_sys::fuzzer_mutate;

/// A JSON value.
#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    /// The text with its quotes and escapes.
    Text(String),
    List(Vec<Json>),
    /// The members in their order. Names have their quotes and escapes.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a text that is one value. Returns `None` if it is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let value = read_value(&mut rest)?;
        skip_blanks(&mut rest);
        rest.is_empty().then_some(value)
    }

    /// Returns the elements of a list.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// Returns the members of an object without the escapes of their names.
    ///
    /// Returns `None` if a name has half a surrogate pair.
    pub fn members(&self) -> Option<Vec<(String, &Self)>> {
        match self {
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| Some((unescape(name)?, value)))
                .collect(),
            _ => None,
        }
    }

    /// Returns a text without its escapes, unless it has half a surrogate pair.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(raw) => unescape(raw),
            _ => None,
        }
    }
}

/// Returns the value of the only member of this name, which is not null.
///
/// The outer `None` means that there are several.
pub fn only<'j>(members: &[(String, &'j Json)], name: &str) -> Option<Option<&'j Json>> {
    let mut found = members.iter().filter(|(other, _)| other == name);
    let value = found.next().map(|(_, value)| *value);
    if found.next().is_some() {
        return None;
    }
    Some(value.filter(|value| !matches!(value, Json::Null)))
}

/// Changes the JSON after `skip` bytes, or one of its pages, which the byte 0x1E separates.
///
/// `words` are texts and names that mean something, between blanks. Other data is changed byte by byte.
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    skip: usize,
    words: &str,
) -> usize {
    let mut random = Random(seed);
    let changed = change_page(&data[..size], &mut random, skip, words);
    match changed.filter(|changed| changed.len() <= max_size && random.below(4) > 0) {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
}

fn change_page(data: &[u8], random: &mut Random, skip: usize, words: &str) -> Option<Vec<u8>> {
    let mut pages: Vec<String> = std::str::from_utf8(data.get(skip..)?)
        .ok()?
        .split('\u{1e}')
        .map(str::to_owned)
        .collect();
    let page = random.below(pages.len());
    let mut json = Json::parse(&pages[page])?;
    for _ in 0..=random.below(3) {
        json.change(random, words);
    }
    pages[page].clear();
    json.print(&mut pages[page]);
    Some([&data[..skip], pages.join("\u{1e}").as_bytes()].concat())
}

/// A sequence of numbers that a seed determines.
struct Random(u32);

impl Random {
    /// Returns a number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % end
    }

    /// Returns a word in quotes.
    fn word(&mut self, words: &str) -> String {
        let count = words.split(' ').count();
        let word = words.split(' ').nth(self.below(count)).unwrap_or("");
        format!("\"{word}\"")
    }
}

impl Json {
    /// Changes one place of a value.
    fn change(&mut self, random: &mut Random, words: &str) {
        match self {
            Self::List(values) if !values.is_empty() => {
                let index = random.below(values.len());
                match random.below(8) {
                    0 => drop(values.remove(index)),
                    1 => values.push(values[index].clone()),
                    _ => values[index].change(random, words),
                }
            }
            Self::Object(members) if !members.is_empty() => {
                let index = random.below(members.len());
                match random.below(8) {
                    0 => drop(members.remove(index)),
                    1 => members.push(members[index].clone()),
                    2 => {
                        let name = random.word(words);
                        members.push((name, members[index].1.clone()));
                    }
                    3 => members[index].0 = random.word(words),
                    _ => members[index].1.change(random, words),
                }
            }
            _ => *self = self.other(random, words),
        }
    }

    /// Returns a value in the place of one without parts.
    fn other(&self, random: &mut Random, words: &str) -> Self {
        let numbers = [
            "0",
            "-0",
            "1",
            "3.0",
            "0.1",
            "-1e300",
            "1e999",
            "18446744073709551616",
        ];
        match (self, random.below(10)) {
            (_, 0) => Self::Null,
            (_, 1) => Self::Bool(random.below(2) == 0),
            (_, 2) => Self::Number(numbers[random.below(numbers.len())].to_owned()),
            (_, 3) => Self::List(vec![Self::Text(random.word(words))]),
            (_, 4) => Self::Object(vec![(random.word(words), self.clone())]),
            (Self::Text(raw), 5..=7) => Self::Text(change_text(raw, random)),
            _ => Self::Text(random.word(words)),
        }
    }

    fn print(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
            Self::Number(raw) | Self::Text(raw) => text.push_str(raw),
            Self::List(values) => {
                text.push('[');
                for (index, value) in values.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    value.print(text);
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(name);
                    text.push(':');
                    value.print(text);
                }
                text.push('}');
            }
        }
    }
}

/// Inserts, removes or replaces a part of a text in quotes that has no escape.
fn change_text(raw: &str, random: &mut Random) -> String {
    let parts = [
        "", "0", "9", "-", "+", ".", ":", "/", "@", "%", "=", ",", "~", "T", "Z", "P", " ", "ü",
        "\\u0000", "\\n", "\\ud83d", "\\\\", "\u{202e}", "e5", "nan",
    ];
    let mut chars: Vec<String> = raw[1..raw.len() - 1].chars().map(String::from).collect();
    if raw.contains('\\') || chars.is_empty() {
        return format!("\"{}\"", parts[random.below(parts.len())]);
    }
    let index = random.below(chars.len());
    let part = parts[random.below(parts.len())];
    if random.below(2) == 0 {
        chars[index].push_str(part);
    } else {
        part.clone_into(&mut chars[index]);
    }
    format!("\"{}\"", chars.concat())
}

fn unescape(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

fn skip_blanks(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
}

/// Takes a character, if it is next after blanks.
fn take(rest: &mut &str, c: char) -> bool {
    skip_blanks(rest);
    match rest.strip_prefix(c) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn read_value(rest: &mut &str) -> Option<Json> {
    skip_blanks(rest);
    for (word, value) in [
        ("null", Json::Null),
        ("true", Json::Bool(true)),
        ("false", Json::Bool(false)),
    ] {
        if let Some(after) = rest.strip_prefix(word) {
            *rest = after;
            return Some(value);
        }
    }
    if rest.starts_with('"') {
        return read_text(rest).map(Json::Text);
    }
    if take(rest, '[') {
        let mut values = Vec::new();
        if take(rest, ']') {
            return Some(Json::List(values));
        }
        loop {
            values.push(read_value(rest)?);
            if take(rest, ']') {
                return Some(Json::List(values));
            }
            if !take(rest, ',') {
                return None;
            }
        }
    }
    if take(rest, '{') {
        let mut members = Vec::new();
        if take(rest, '}') {
            return Some(Json::Object(members));
        }
        loop {
            skip_blanks(rest);
            let name = read_text(rest)?;
            if !take(rest, ':') {
                return None;
            }
            members.push((name, read_value(rest)?));
            if take(rest, '}') {
                return Some(Json::Object(members));
            }
            if !take(rest, ',') {
                return None;
            }
        }
    }
    read_number(rest).map(Json::Number)
}

/// Takes a text with its quotes.
fn read_text(rest: &mut &str) -> Option<String> {
    let mut chars = rest.strip_prefix('"')?.char_indices();
    loop {
        match chars.next()? {
            (end, '"') => {
                let (text, after) = rest.split_at(end + 2);
                *rest = after;
                return Some(text.to_owned());
            }
            (_, '\\') => match chars.next()?.1 {
                '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => {}
                'u' => {
                    for _ in 0..4 {
                        chars.next().filter(|(_, c)| c.is_ascii_hexdigit())?;
                    }
                }
                _ => return None,
            },
            (_, '\0'..='\u{1f}') => return None,
            _ => {}
        }
    }
}

/// Takes `-1.5e+3`, without zeros in front.
fn read_number(rest: &mut &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let (number, after) = rest.split_at(length);
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_whole = is_digits(whole) && (whole == "0" || !whole.starts_with('0'));
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    if !is_whole || !fraction.is_none_or(is_digits) || !exponent.is_none_or(is_digits) {
        return None;
    }
    *rest = after;
    Some(number.to_owned())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
