//! Where the service is, and which other addresses are the same place.

use crate::error::{Error, one_line};

/// Where the service is: scheme, host and port, and the path that all its paths start with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BaseUrl {
    origin: String,
    prefix: String,
}

impl BaseUrl {
    /// The service itself.
    pub(crate) fn service() -> Self {
        Self { origin: "https://api.telemetry.confluent.cloud".into(), prefix: String::new() }
    }

    /// Reads a base URL; what is refused is not repeated where it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // Wherever the sign stands, a password may stand before it, slashes and all.
        if text.contains('@') {
            let why = "the base URL has user info in it, before an @: give the key to Credentials instead";
            return Err(Error::invalid_input(why));
        }
        let refused = |why: &str| Error::invalid_input(format!("the base URL \"{}\" {why}", shown(text)));
        if text.contains(['?', '#']) {
            return Err(refused("has a query or a fragment"));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(refused("is not https"));
        }
        let authority = rest.split('/').next().unwrap_or("");
        if port_of(authority).is_none() {
            return Err(refused("has no valid port"));
        }
        let prefix = rest.get(authority.len()..).unwrap_or("").trim_end_matches('/');
        match origin_of(text) {
            Some(origin) => Ok(Self { origin, prefix: prefix.to_owned() }),
            None => Err(refused("cannot be read")),
        }
    }

    /// Scheme, host and port, for people to read.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The host, of an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        let authority = self.origin.trim_start_matches("https://");
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }

    /// The address of `path`, which starts with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }

    /// The address that a link in the answer from `from` means, where it stays with this origin.
    pub(crate) fn resolve(&self, from: &str, link: &str) -> Option<String> {
        if link.split(['/', '?', '#']).next().is_some_and(|start| start.ends_with(':')) {
            return (origin_of(link)? == self.origin).then(|| link.to_owned());
        }
        // What would need dots resolved is no address that a service gives.
        let is_plain =
            !link.starts_with("//") && !link.split(['/', '?']).any(|part| matches!(part, "." | ".."));
        let path = from.split(['?', '#']).next()?;
        let start = match link.chars().next()? {
            '/' => &self.origin,
            '?' => path,
            _ => path.get(..=path.rfind('/')?)?,
        };
        Some(format!("{start}{link}"))
            .filter(|target| is_plain && origin_of(target).as_ref() == Some(&self.origin))
    }
}

/// As much of a faulty base URL as surely holds no secret: nothing of a query or fragment, nor what should be a port.
fn shown(text: &str) -> String {
    let start = text.split(['?', '#']).next().unwrap_or("");
    let host_at = start.find("://").map_or(0, |at| at + 3);
    let host_end = start[host_at..].find([':', '/']).map_or(start.len(), |at| host_at + at);
    let cut = if host_end < text.len() { "…" } else { "" };
    format!("{}{cut}", one_line(&start[..host_end], 100))
}

/// Scheme, host and port of an absolute address without user info, the port left out where it is the scheme's own.
pub(crate) fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let port = port_of(authority)?;
    let host = port.map_or(authority, |_| authority.rsplit_once(':').map_or("", |(host, _)| host));
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => {
            !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b))
        }
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    let is_scheme =
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // What ends an address in any text is no part of one, and ureq would not read it.
    let is_address = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"`".contains(&byte));
    if !is_host || !is_scheme || !is_address {
        return None;
    }
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let port = port.filter(|port| (scheme.as_str(), *port) != ("https", 443)).map(|port| format!(":{port}"));
    Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
}

/// The port that a host and port name, if any; `None` where what follows the colon is no port.
pub(crate) fn port_of(authority: &str) -> Option<Option<u16>> {
    match authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']')) {
        None => Some(None),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().ok().filter(|port| *port > 0).map(Some)
        }
        Some(_) => None,
    }
}

/// `text` as a part of an address: all but letters, digits and `-._~` as percent and two digits.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_https_without_secrets() {
        for (text, joined) in [
            ("https://api.example", "https://api.example/x"),
            ("https://API.example:443/", "https://api.example/x"),
            ("https://api.example:8443/a/b//", "https://api.example:8443/a/b/x"),
            ("https://[::1]:8443", "https://[::1]:8443/x"),
            ("https://[::1]", "https://[::1]/x"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().join("/x"), joined);
        }
        for (text, host) in [
            ("https://API.example:443/", "api.example"),
            ("https://api.example:8443/a", "api.example"),
            ("https://[::1]:8443", "[::1]"),
            ("https://[::1]", "[::1]"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().host(), host);
        }
        for (text, message) in [
            ("http://api.example", "the base URL \"http://api.example\" is not https"),
            ("api.example", "the base URL \"api.example\" is not https"),
            ("", "the base URL \"\" is not https"),
            ("key:s3cret", "the base URL \"key…\" is not https"),
            ("https://", "the base URL \"https://\" cannot be read"),
            ("https://a b", "the base URL \"https://a b\" cannot be read"),
            ("https://api.example/a b", "the base URL \"https://api.example…\" cannot be read"),
            ("https://api.example/<a>", "the base URL \"https://api.example…\" cannot be read"),
            (
                "https://key:s3cret@api.example",
                "the base URL has user info in it, before an @: give the key to Credentials instead",
            ),
            (
                "https://key:s3c/ret@api.example",
                "the base URL has user info in it, before an @: give the key to Credentials instead",
            ),
            (
                "https://api.example/?key=s3cret",
                "the base URL \"https://api.example…\" has a query or a fragment",
            ),
            ("https://api.example#s3cret", "the base URL \"https://api.example…\" has a query or a fragment"),
            ("https://key:s3cret", "the base URL \"https://key…\" has no valid port"),
            ("https://api.example:99999", "the base URL \"https://api.example…\" has no valid port"),
            ("https://api.example:0", "the base URL \"https://api.example…\" has no valid port"),
            ("https://api.example:", "the base URL \"https://api.example…\" has no valid port"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn links_are_followed_on_the_same_origin_only() {
        let base = BaseUrl::parse("https://api.example/prefix").unwrap();
        for (link, followed) in [
            ("https://api.example/v2?page_token=a", Some("https://api.example/v2?page_token=a")),
            ("https://API.example:443/v2", Some("https://API.example:443/v2")),
            ("/v2?page_token=a", Some("https://api.example/v2?page_token=a")),
            ("/v2?back=https://b.example/", Some("https://api.example/v2?back=https://b.example/")),
            ("?page_token=a", Some("https://api.example/prefix/v2/query?page_token=a")),
            ("other?page_token=a", Some("https://api.example/prefix/v2/other?page_token=a")),
            ("//evil.example/v2", None),
            ("https://evil.example/v2", None),
            ("https://api.example:8443/v2", None),
            ("http://api.example/v2", None),
            ("https://api.example@evil.example/", None),
            ("https://someone@api.example/", None),
            ("../v2", None),
            ("/a b", None),
            ("/<a>", None),
            ("/v2?a=\"b\"", None),
            ("/v2/`a`", None),
            ("/v2/a|b^c{d}?e=f|g^h{i}\\", Some("https://api.example/v2/a|b^c{d}?e=f|g^h{i}\\")),
            ("", None),
        ] {
            assert_eq!(
                base.resolve("https://api.example/prefix/v2/query?a=b/c", link).as_deref(),
                followed,
                "{link}"
            );
        }
    }

    #[test]
    fn tokens_survive_the_address() {
        assert_eq!(percent_encoded("a+b/c==&ü ~"), "a%2Bb%2Fc%3D%3D%26%C3%BC%20~");
    }
}
