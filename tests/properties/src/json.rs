//! JSON in every valid form, with white space and unnecessary escapes.

use crate::seeded_rng::SeededRng;

pub(crate) struct Writer {
    pub(crate) out: String,
    rng: SeededRng,
}

impl Writer {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            out: String::new(),
            rng: SeededRng::new(seed),
        }
    }

    pub(crate) fn space(&mut self) {
        const SPACES: [&str; 5] = [" ", "\n", "\t", "\r\n", "  "];
        if self.rng.rarely(12) {
            let space = SPACES[self.rng.roll(SPACES.len())];
            self.out.push_str(space);
        }
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            self.character(c);
        }
        self.out.push('"');
    }

    /// Returns an array or an object of items that are already written.
    pub(crate) fn list(&mut self, open: char, items: &[String], close: char) {
        self.space();
        self.out.push(open);
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            self.space();
            self.out.push_str(item);
            self.space();
        }
        self.out.push(close);
        self.space();
    }

    fn character(&mut self, c: char) {
        let short = match c {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '\n' => Some("\\n"),
            '\u{8}' => Some("\\b"),
            '/' if self.rng.rarely(4) => Some("\\/"),
            _ => None,
        };
        if let Some(short) = short.filter(|_| !self.rng.rarely(6)) {
            self.out.push_str(short);
        } else if c < ' ' || c == '"' || c == '\\' || self.rng.rarely(40) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                self.out.push_str(&format!("\\u{unit:04X}"));
            }
        } else {
            self.out.push(c);
        }
    }
}

/// Returns the text of a member.
pub(crate) fn member(seed: u64, name: &str, value: &str) -> String {
    let mut writer = Writer::new(seed);
    writer.string(name);
    writer.space();
    writer.out.push(':');
    writer.space();
    writer.out.push_str(value);
    writer.out
}

pub(crate) fn string(seed: u64, text: &str) -> String {
    let mut writer = Writer::new(seed);
    writer.string(text);
    writer.out
}

pub(crate) fn list(seed: u64, open: char, items: &[String], close: char) -> String {
    let mut writer = Writer::new(seed);
    writer.list(open, items, close);
    writer.out
}
