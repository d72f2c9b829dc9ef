//! The target of a request: path and query string.

/// The parts of a target, percent-decoded.
#[derive(Debug)]
pub(crate) struct Target {
    dataset: Option<String>,
    operation: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Target {
    pub(crate) fn parse(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut dataset = None;
        let mut operation = None;
        if let Some((name, rest)) = path
            .strip_prefix("/v2/metrics/")
            .and_then(|rest| rest.split_once('/'))
        {
            dataset = Some(decode(name, false));
            operation = Some(rest.to_owned());
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let parameters = pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name, true), decode(value, true))
            })
            .collect();
        Self {
            dataset,
            operation,
            parameters,
        }
    }

    pub(crate) fn dataset(&self) -> Option<&str> {
        self.dataset.as_deref()
    }

    /// Returns the path below the dataset, such as `query` or `descriptors/metrics`.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// Returns all parameters, in the order in which they were sent.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the first value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.clone())
    }
}

/// Percent-encodes all bytes except letters, digits and `-._~`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Percent-decodes text. In a query string, `+` is a space.
fn decode(text: &str, form: bool) -> String {
    let mut bytes = text.as_bytes();
    let mut out = Vec::new();
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        let escaped = if *first == b'%' { hex(rest) } else { None };
        match escaped {
            Some(decoded) => {
                out.push(decoded);
                bytes = rest.get(2..).unwrap_or_default();
            }
            None if form && *first == b'+' => out.push(b' '),
            None => out.push(*first),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(bytes: &[u8]) -> Option<u8> {
    let digit = |place: usize| char::from(*bytes.get(place)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_parsed() {
        let target = Target::parse(
            "/v2/metrics/cloud%2Dcustom/descriptors/metrics?page_token=a%2Bb%2f%3D&x&page_token=z",
        );
        assert_eq!(target.dataset(), Some("cloud-custom"));
        assert_eq!(target.operation(), Some("descriptors/metrics"));
        assert_eq!(target.parameter("page_token").as_deref(), Some("a+b/="));
        assert_eq!(target.parameter("x").as_deref(), Some(""));
        assert_eq!(target.parameter("y"), None);
        assert_eq!(Target::parse("/v2/metrics/cloud").dataset(), None);
    }

    #[test]
    fn a_bare_plus_is_a_space_and_broken_escapes_stay() {
        let target = Target::parse("/v2/metrics/c/query?t=a+b%zz%4");
        assert_eq!(target.parameter("t").as_deref(), Some("a b%zz%4"));
        assert_eq!(encode("+/= aé~"), "%2B%2F%3D%20a%C3%A9~");
    }
}
