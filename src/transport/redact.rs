//! Removes credentials from foreign text.
//!
//! An error quotes error responses, headers, page links and sources. Each of them may echo the
//! credentials of a request, and the echo may be truncated or escaped. No list of encodings covers
//! every form of an echo, so the text is decoded instead:
//!
//! 1. The text becomes a list of characters. Each one knows which bytes of the text it was decoded
//!    from.
//! 2. Every run of [`MIN_RUN`] characters that is part of a secret is a match. A cut secret
//!    therefore matches as well.
//! 3. Each of the [`DECODERS`] decodes one layer of one kind of escape: backslashes,
//!    percent-encoding, HTML references. The result is another variant of the text: another list of
//!    characters, which is searched and decoded in turn until there is no new one. Layers are
//!    decoded one at a time because a secret may itself contain what looks like an escape of another
//!    kind.
//! 4. The bytes of all matches are replaced with `***`.
//!
//! Text without escapes has one variant. Searching it takes one binary search per character and
//! secret. Letter case does not matter, because host names and some logs lose it. Neither does the
//! difference between `+` and a space, because forms lose that.
//!
//! With the secret `s3cr3t/4567`:
//!
//! ```text
//! token s3cr3t/4567 expired       token *** expired
//! path=s3cr3t%2F4567&page=2       path=***&page=2
//! "s3cr3t\/456…                   "***…
//! ```
//!
//! An [`Authorization`](super::authorization::Authorization) has the [`Redactor`] of its secrets.
//! The code that builds errors calls it for every text that is not this crate's own.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::transport::unescape::{
    DECODERS, Decoded, byte_range, decode, literal_chars, normalize, trim_partial_escape,
};
use crate::util::text::{elide_middle, sanitize_line};

/// Replaces secrets in text with `***`.
///
/// Redacted text is for people. Nothing that is sent, such as the target of a redirect, may pass
/// through here.
#[derive(Default)]
pub(crate) struct Redactor {
    /// The secrets and ids that are long enough to be redacted.
    patterns: Vec<Arc<Pattern>>,
}

impl Redactor {
    /// Creates a redactor of `secrets`, and of `ids`, which are redacted but not secret.
    ///
    /// A secret shorter than [`MIN_RUN`] is redacted if all of it is there, and not at all if it is
    /// shorter than [`MIN_SECRET`]. An id is redacted if all of it is there and it is not shorter
    /// than [`MIN_RUN`]: an id such as `cloud` is an ordinary word.
    pub(crate) fn new(secrets: &[&str], ids: &[&str]) -> Self {
        let mut patterns = Vec::new();
        for secret in secrets {
            let length = secret.chars().count();
            if length >= MIN_SECRET {
                patterns.push(Arc::new(Pattern::new(secret, length.min(MIN_RUN))));
            }
        }
        for id in ids {
            let length = id.chars().count();
            if length >= MIN_RUN {
                patterns.push(Arc::new(Pattern::new(id, length)));
            }
        }
        Self { patterns }
    }

    /// Creates a redactor of all secrets and ids of other ones.
    pub(crate) fn union<'a>(redactors: impl Iterator<Item = &'a Arc<Self>>) -> Self {
        let mut patterns = Vec::new();
        for redactor in redactors {
            patterns.extend_from_slice(&redactor.patterns);
        }
        Self { patterns }
    }

    /// Returns `text` with every secret, and every part of one that is long enough, replaced with
    /// `***`.
    ///
    /// The result is borrowed if and only if nothing was found.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        replace(text, self.find_all(text, false))
    }

    /// Does the same as [`redact`](Self::redact) for text that was cut at its end, perhaps within a
    /// secret.
    ///
    /// A shorter part of a secret is redacted there as well, and an escape that may be cut is left
    /// out.
    pub(crate) fn redact_truncated<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = trim_partial_escape(text);
        replace(text, self.find_all(text, true))
    }

    /// Quotes the start of `text` on one line, redacted, at most 300 characters long.
    ///
    /// A `…` at the end means that there was more text.
    pub(crate) fn quote(&self, text: &str, is_truncated: bool) -> String {
        // More than is shown, so that the cut cannot fall inside of a secret that is shown.
        const CONTEXT: usize = 2000;
        let start = text
            .char_indices()
            .nth(CONTEXT)
            .map_or(text, |(end, _)| &text[..end]);
        let is_short = start.len() == text.len();
        let redacted = if is_short && !is_truncated {
            self.redact(text)
        } else {
            self.redact_truncated(start)
        };
        let mut line = sanitize_line(&redacted, MAX_QUOTE);
        if is_truncated && !line.ends_with('…') {
            line.push('…');
        }
        line
    }

    /// Returns `text` redacted and on one line, without its middle if it is long.
    ///
    /// Only the two ends are searched if the text is longer than they are.
    pub(crate) fn redact_line(&self, text: &str) -> String {
        // More than is shown at both ends, for the same reason.
        const CONTEXT: usize = 2000;
        let head = text
            .char_indices()
            .nth(CONTEXT)
            .map(|(end, _)| &text[..end]);
        let tail = text
            .char_indices()
            .nth_back(CONTEXT)
            .map(|(start, _)| &text[start..]);
        match (head, tail) {
            (Some(head), Some(tail)) if head.len() + tail.len() < text.len() => {
                let head = self.redact_truncated(head);
                let tail = self.redact(tail);
                elide_middle(&format!("{head}…{tail}"))
            }
            _ => elide_middle(&self.redact(text)),
        }
    }

    /// Returns the start of a body, redacted, at most 4 KiB long; `None` if the body is blank.
    ///
    /// Invalid UTF-8 becomes U+FFFD. The body is cut between two characters, never within one.
    pub(crate) fn redact_body(&self, body: &[u8], is_truncated: bool) -> Option<String> {
        // More than is kept, for the same reason.
        let start = &body[..body.len().min(MAX_BODY + 1024)];
        let text = String::from_utf8_lossy(start);
        if text.trim().is_empty() {
            return None;
        }
        let is_short = start.len() == body.len();
        let redacted = if is_short && !is_truncated {
            self.redact(&text)
        } else {
            self.redact_truncated(&text)
        };
        let mut redacted = redacted.into_owned();
        let end = (0..=MAX_BODY.min(redacted.len()))
            .rev()
            .find(|end| redacted.is_char_boundary(*end));
        redacted.truncate(end.unwrap_or_default());
        Some(redacted)
    }

    /// Returns `error` as it is, or if it or one of its sources shows a secret, the redacted text
    /// of them all.
    ///
    /// The type of a redacted error is lost, so a downcast of its source fails.
    pub(crate) fn redact_error(
        &self,
        error: Arc<dyn StdError + Send + Sync>,
    ) -> Arc<dyn StdError + Send + Sync> {
        let mut current: Option<&(dyn StdError + 'static)> = Some(&*error);
        while let Some(source) = current {
            // `Debug` may show what `Display` leaves out.
            let shown = format!("{source} {source:?}");
            if matches!(self.redact(&shown), Cow::Owned(_)) {
                return Arc::new(RedactedError::new(&*error, self));
            }
            current = source.source();
        }
        error
    }

    /// Returns the bytes of every match, in every variant of `text`.
    ///
    /// The ranges may overlap, and have no order. The list of variants is also the queue of those
    /// that are still to be searched, so this is a breadth-first search.
    ///
    /// ```text
    /// %2541 has the variants   %2541   %41   a
    /// ```
    fn find_all(&self, text: &str, is_truncated: bool) -> Vec<Range<usize>> {
        let mut matches = Vec::new();
        if self.patterns.is_empty() {
            return matches;
        }
        let mut variants = vec![literal_chars(text)];
        let mut current = 0;
        while current < variants.len() {
            for pattern in &self.patterns {
                pattern.find(&variants[current], &mut matches);
                if is_truncated {
                    pattern.find_at_end(&variants[current], &mut matches);
                }
            }
            for decoder in DECODERS {
                let decoded = decode(&variants[current], decoder);
                // Most decoders commute, so a variant may be there already.
                let decoded = decoded.filter(|decoded| !variants.contains(decoded));
                variants.extend(decoded.filter(|_| variants.len() < MAX_VARIANTS));
            }
            current += 1;
        }
        matches
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// The shortest part of a secret that is redacted.
pub(crate) const MIN_RUN: usize = 8;

/// A shorter secret protects nothing, and ordinary words contain it.
const MIN_SECRET: usize = 4;

/// The shortest beginning of a secret that is redacted at the end of a truncated text.
const MIN_CUT_RUN: usize = 3;

/// The largest number of variants of one text. Two layers of three kinds of escape have 27.
const MAX_VARIANTS: usize = 40;

/// The text that replaces a secret of any length.
const REPLACEMENT: &str = "***";

/// The longest quote of one text, in characters.
const MAX_QUOTE: usize = 300;

/// The longest body that an error keeps, in bytes.
const MAX_BODY: usize = 4096;

/// A secret to search for, of which any part counts.
///
/// For the text `abcdef` and a width of 4 the parts are `abcd`, `bcde` and `cdef`.
struct Pattern {
    /// The text, with every character normalized.
    chars: Vec<char>,
    /// The length of a part that is a match, in characters.
    width: usize,
    /// All parts, sorted for binary search.
    parts: Vec<String>,
}

impl Pattern {
    /// Creates the pattern of a text with at least `width` characters.
    fn new(text: &str, width: usize) -> Self {
        let chars: Vec<char> = text.chars().map(normalize).collect();
        let mut parts: Vec<String> = chars
            .windows(width)
            .map(|part| part.iter().collect())
            .collect();
        parts.sort_unstable();
        Self {
            chars,
            width,
            parts,
        }
    }

    /// Adds the bytes of each part of the pattern in `text` to `matches`.
    fn find(&self, text: &[Decoded], matches: &mut Vec<Range<usize>>) {
        for window in text.windows(self.width) {
            // The order of strings is the order of their characters.
            let found = self.parts.binary_search_by(|part| {
                part.chars().cmp(window.iter().map(|decoded| decoded.char))
            });
            if found.is_ok() {
                matches.extend(byte_range(window));
            }
        }
    }

    /// Finds the start of the pattern at the very end of `text`.
    ///
    /// It is shorter than a part, since [`find`](Self::find) already finds those.
    fn find_at_end(&self, text: &[Decoded], matches: &mut Vec<Range<usize>>) {
        for length in MIN_CUT_RUN..self.width {
            // A text that is shorter than the beginning is never equal to it.
            let end = &text[text.len().saturating_sub(length)..];
            if end
                .iter()
                .map(|decoded| &decoded.char)
                .eq(&self.chars[..length])
            {
                matches.extend(byte_range(end));
            }
        }
    }
}

/// Replaces these bytes of `text`.
///
/// Matches that overlap or touch become one replacement. Returns the text itself without a match.
fn replace(text: &str, mut matches: Vec<Range<usize>>) -> Cow<'_, str> {
    if matches.is_empty() {
        return Cow::Borrowed(text);
    }
    matches.sort_unstable_by_key(|bytes| bytes.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for Range { start, end } in matches {
        match merged.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => merged.push(start..end),
        }
    }
    let mut redacted = String::new();
    let mut copied = 0;
    for Range { start, end } in merged {
        // The space after `Bearer` is part of a secret, and of any sentence before a token.
        let start = end - text[start..end].trim_start_matches(' ').len();
        redacted.push_str(&text[copied..start]);
        redacted.push_str(REPLACEMENT);
        copied = end;
    }
    redacted.push_str(&text[copied..]);
    Cow::Owned(redacted)
}

/// The text of an error that showed a secret, redacted.
#[derive(Debug)]
struct RedactedError {
    /// The `Display` text of the error.
    text: String,
    /// The source of the error, redacted in the same way.
    source: Option<Box<RedactedError>>,
}

impl RedactedError {
    /// Copies the texts of an error and of all of its sources.
    fn new(error: &(dyn StdError + 'static), redactor: &Redactor) -> Self {
        let text = redactor.redact(&error.to_string()).into_owned();
        let source = error
            .source()
            .map(|source| Box::new(Self::new(source, redactor)));
        Self { text, source }
    }
}

impl fmt::Display for RedactedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for RedactedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "XNCIW93I2L/1SQPJSJ8+23K1LS902KLDFMCZPWEO";

    fn redact(secret: &str, text: &str) -> String {
        Redactor::new(&[secret], &[]).redact(text).into_owned()
    }

    #[test]
    fn a_part_of_eight_characters_is_redacted_and_a_shorter_one_is_not() {
        for (text, redacted) in [
            (
                "bad key XNCIW93I2L/1SQPJSJ8+23K1LS902KLDFMCZPWEO!",
                "bad key ***!",
            ),
            ("bad key XNCIW93I2L/1SQPJSJ8...", "bad key ***..."),
            ("...FMCZPWEO", "...***"),
            ("XNCIW93 FMCZPWE", "XNCIW93 FMCZPWE"),
            ("XNCIW93I and 902KLDFM", "*** and ***"),
            ("XNCIW93IXNCIW93I", "***"),
            ("https://xnciw93i2l.example/", "https://***.example/"),
            ("23k1ls902", "***"),
            ("1SQPJSJ8 23K1LS902", "***"),
            ("", ""),
        ] {
            assert_eq!(redact(SECRET, text), redacted, "{text}");
        }
    }

    #[test]
    fn every_escape_is_decoded() {
        for (echo, secret) in [
            (r#"a\/b\"c\\de\u0066g"#, r#"a/b"c\defg"#),
            (r"a\u002Fb\u{22}c\x5cdefg", r#"a/b"c\defg"#),
            ("a%2Fb%22c%5Cdefg", r#"a/b"c\defg"#),
            ("a%252fb%2522c%255cdefg", r#"a/b"c\defg"#),
            ("a&#47;b&quot;c&#x5C;defg", r#"a/b"c\defg"#),
            ("a&sol;b&#034c&bsol;defg", r#"a/b"c\defg"#),
            ("a&amp;#47;b&amp;quot;c&amp;bsol;defg", r#"a/b"c\defg"#),
            ("a%26sol%3Bb%26quot%3Bc%26bsol%3Bdefg", r#"a/b"c\defg"#),
            (r#"a\\/b\\\"c\\\\defg"#, r#"a/b"c\defg"#),
            (r"abc\ defg", "abc defg"),
            ("w%C3%B6rter%F0%9F%98%80buch", "wörter😀buch"),
            (r"w\u00f6rter\ud83d\ude00buch", "wörter😀buch"),
            ("w&#246;rter&#x1F600;buch", "wörter😀buch"),
            // The secret looks like an escape of another kind.
            ("%41&lt;%42%43", "%41<%42%43"),
            (r"\\/&lt;ab\\u0041", r"\/<ab\u0041"),
            // Each character is written in another form.
            (r"%61%2562\u0063&#100;&#x65;f%26#103;&amp;#104;", "abcdefgh"),
        ] {
            assert_eq!(redact(secret, &format!("<{echo}>")), "<***>", "{echo}");
        }
        for text in [
            "%",
            "%2",
            "%2G",
            "%FF%FE",
            "&",
            "&;",
            "&#;",
            "&#x110000;",
            r"\",
            r"\u12",
            r"\ud83d",
            r"\u{}",
        ] {
            assert_eq!(redact(SECRET, text), text);
        }
        for (secret, text) in [
            // A newline, not an `n`.
            ("abcnefgh", r"abc\nefgh"),
            // The second unit of UTF-16 has no backslash.
            ("wörter😀buch", r"w\u00f6rter\ud83d/ude00buch"),
        ] {
            assert_eq!(redact(secret, text), text);
        }
    }

    #[test]
    fn short_secrets_are_redacted_whole_and_ids_only_if_they_are_long() {
        assert_eq!(redact("s3cret", "s3cret, s3cre"), "***, s3cre");
        assert_eq!(redact("key", "the key"), "the key");
        assert_eq!(redact("", "the key"), "the key");
        let redactor = Redactor::new(&[], &["cloud", "ABCDEFGH1234"]);
        assert_eq!(
            redactor.redact("cloud ABCDEFGH1234 ABCDEFGH123"),
            "cloud *** ABCDEFGH123"
        );
    }

    #[test]
    fn the_start_of_a_secret_is_redacted_where_text_is_cut() {
        let redactor = Redactor::new(&[SECRET], &[]);
        for (text, redacted) in [
            ("bad key XNCIW93", "bad key ***"),
            ("bad key XNC", "bad key ***"),
            ("bad key XN", "bad key XN"),
            ("bad key XNCIW93I2L%2", "bad key ***"),
            ("bad key XNCIW9&#x3", "bad key ***"),
            ("100% sure", "100% sure"),
            ("", ""),
        ] {
            assert_eq!(redactor.redact_truncated(text), redacted, "{text}");
        }
        let cut = "bad key XNCIW93";
        assert_eq!(redactor.quote(cut, true), "bad key ***…");
        assert_eq!(redactor.quote(cut, false), cut);
        let body = |is_truncated| redactor.redact_body(cut.as_bytes(), is_truncated);
        assert_eq!(body(true).unwrap(), "bad key ***");
        assert_eq!(body(false).unwrap(), cut);
    }

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no response")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn errors_are_redacted_with_their_sources() {
        let redactor = Redactor::new(&[SECRET], &[]);
        let harmless = redactor.redact_error(Arc::new(std::io::Error::other("refused")));
        assert!(harmless.is::<std::io::Error>());
        let inner = std::io::Error::other(format!("header {SECRET}"));
        let shown = redactor.redact_error(Arc::new(std::io::Error::other(inner)));
        assert_eq!(
            (shown.to_string(), format!("{shown:?}").contains("XNC")),
            ("header ***".into(), false)
        );
        let inner = std::io::Error::other(format!("header {SECRET}"));
        let shown = redactor.redact_error(Arc::new(Outer(inner)));
        assert_eq!(shown.to_string(), "no response");
        assert_eq!(shown.source().unwrap().to_string(), "header ***");
    }

    #[test]
    fn long_text_is_redacted_before_it_is_cut() {
        let redactor = Redactor::new(&[SECRET], &[]);
        let long = SECRET.repeat(100_000);
        assert_eq!(redactor.quote(&long, false), "***");
        assert_eq!(redactor.quote("a reason", true), "a reason…");
        let line = redactor.redact_line(&format!("start\n{long} end"));
        assert!(
            line.starts_with(r"start\n***…") && line.ends_with("*** end"),
            "{line}"
        );
        assert_eq!(
            redactor.redact_body(long.as_bytes(), false).as_deref(),
            Some("***")
        );
        assert_eq!(redactor.redact_body(b" \n", false), None);
        let body = redactor
            .redact_body("ü".repeat(9999).as_bytes(), false)
            .unwrap();
        assert_eq!(body.len(), 4096);
    }
}
