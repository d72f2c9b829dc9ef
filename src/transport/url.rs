//! URLs: the base URL of the service, references relative to a URL, and origins.
//!
//! Every request has the same origin, so that no other server receives the credentials:
//!
//! 1. [`BaseUrl::parse`] validates and normalizes the URL of the caller.
//! 2. [`BaseUrl::join`] builds the URL of a request from it.
//! 3. [`BaseUrl::resolve`] accepts a redirect or a page link only if it stays on that origin.
//!
//! ```text
//! base URL    HTTPS://Metrics.Example:443/proxy/
//! origin      https://metrics.example
//! join        /v2/metrics/cloud/query -> https://metrics.example/proxy/v2/metrics/cloud/query
//! ```
//!
//! The standard library has no URL type, and `http::Uri` resolves no references. What is here is
//! the part of RFC 3986 that those three functions need.

use crate::error::Error;
use crate::util::text::sanitize_line;

/// The URL that the path of every request is appended to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BaseUrl {
    /// The scheme, host and port in lower case, without the default port and without a slash.
    origin: String,
    /// The path of the base URL, which is empty or starts with a slash, and does not end with one.
    path_prefix: String,
}

impl BaseUrl {
    /// Returns the URL of the service itself.
    pub(crate) fn production() -> Self {
        Self {
            origin: "https://api.telemetry.confluent.cloud".into(),
            path_prefix: String::new(),
        }
    }

    /// Parses a base URL. An error never repeats a part that may be a password.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, if the URL is not `https`, if it has user info, a query or a fragment, or if
    /// its host or port is invalid.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // Checked first, because a password before the `@` may contain any of the other characters.
        if text.contains('@') {
            return Err(Error::invalid_input(
                "base URL must not contain user info: pass the key to Credentials",
            ));
        }
        if text.contains(['?', '#']) {
            return Err(invalid_base_url(text, "query and fragment are not allowed"));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(invalid_base_url(text, "the scheme must be https"));
        }
        let authority = rest.split('/').next().unwrap_or("");
        if parse_port(authority).is_err() {
            return Err(invalid_base_url(text, "invalid port"));
        }
        let path = rest.get(authority.len()..).unwrap_or("");
        match parse_origin(text) {
            Some(origin) => Ok(Self {
                origin,
                path_prefix: path.trim_end_matches('/').to_owned(),
            }),
            None => Err(invalid_base_url(text, "it cannot be parsed")),
        }
    }

    /// Returns the scheme, host and port.
    /// Two URLs with the same result reach the same server.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the host. An IPv6 address is in brackets.
    ///
    /// `NO_PROXY` lists hosts in this form.
    pub(crate) fn host(&self) -> &str {
        let authority = self.origin.trim_start_matches("https://");
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }

    /// Returns the URL of a path that starts with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.path_prefix)
    }

    /// Resolves a reference in the response from the URL `from`, such as a `Location` or a link.
    ///
    /// # Errors
    ///
    /// The origin of the target, if it is another one, or `None` if the target is not a URL.
    pub(crate) fn resolve(&self, from: &str, reference: &str) -> Result<String, Option<String>> {
        let url = resolve_reference(from, reference);
        match parse_origin(&url) {
            Some(origin) if origin == self.origin => Ok(url),
            origin => Err(origin),
        }
    }
}

/// The error for a port that is not a number from 1 to 65,535.
#[derive(Debug, PartialEq)]
pub(crate) struct InvalidPort;

/// Returns the port after a host, if there is one.
///
/// `Ok(None)` means that no port is given:
///
/// ```text
/// example.com          Ok(None)
/// example.com:8443     Ok(Some(8443))
/// [::1]                Ok(None)
/// example.com:+80      Err(InvalidPort)
/// ```
pub(crate) fn parse_port(authority: &str) -> Result<Option<u16>, InvalidPort> {
    let port = match authority.rsplit_once(':') {
        // The colon is part of an IPv6 address.
        Some((_, port)) if port.ends_with(']') => return Ok(None),
        Some((_, port)) => port,
        None => return Ok(None),
    };
    // `u16::from_str` would accept a sign.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidPort);
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(InvalidPort),
        Ok(port) => Ok(Some(port)),
    }
}

/// Returns the scheme, host and port of an absolute URL without user info.
///
/// The port is left out if it is 443 and the scheme is https.
///
/// Returns `None` if the scheme, host or port is invalid, or if the URL contains a character that
/// ureq would reject. User info makes the host invalid, because `@` is not allowed in it.
fn parse_origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let port = parse_port(authority).ok()?;
    let host = match port {
        Some(_) => authority.rsplit_once(':')?.0,
        None => authority,
    };
    let is_valid_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    // `http::Uri` rejects these characters.
    let is_valid_url = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"<>\"`".contains(&byte));
    if !is_valid_scheme || !is_valid_host(host) || !is_valid_url {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    Some(match port {
        Some(port) if scheme != "https" || port != 443 => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

/// Returns true if `host` is a name, an IPv4 address, or an IPv6 address in brackets.
///
/// This is stricter than RFC 3986, which also allows percent-encoded names.
fn is_valid_host(host: &str) -> bool {
    let ipv6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match ipv6 {
        Some(address) => {
            !address.is_empty()
                && address
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte))
        }
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

/// Returns the error for a base URL, without what may be a secret.
fn invalid_base_url(text: &str, reason: &str) -> Error {
    let shown = without_secrets(text);
    Error::invalid_input(format!("invalid base URL \"{shown}\": {reason}"))
}

/// Returns the scheme and host of an invalid base URL. The rest may be a password.
///
/// `https://example.com/v2?key=abc` becomes `https://example.com…`.
fn without_secrets(text: &str) -> String {
    let start = text.split(['?', '#']).next().unwrap_or("");
    let host_start = start.find("://").map_or(0, |index| index + 3);
    let host_end = start[host_start..]
        .find([':', '/'])
        .map_or(start.len(), |index| host_start + index);
    let ellipsis = if host_end < text.len() { "…" } else { "" };
    format!("{}{ellipsis}", sanitize_line(&start[..host_end], 100))
}

/// The components of a URI reference without its fragment, as in
/// [RFC 3986, appendix B](https://www.rfc-editor.org/rfc/rfc3986#appendix-B).
struct Reference<'a> {
    /// The text before the first colon, if no slash precedes it.
    scheme: Option<&'a str>,
    /// The host and port between `//` and the path.
    authority: Option<&'a str>,
    /// The rest, which may be empty.
    path: &'a str,
    /// The text after the question mark, which may be empty.
    query: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Splits a reference. Every text has such parts, so this cannot fail.
    fn parse(text: &'a str) -> Self {
        let text = text.split('#').next().unwrap_or("");
        let (rest, query) = match text.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (text, None),
        };
        let (scheme, rest) = match rest.split_once(':') {
            // A colon after a slash belongs to the path, as in `a/b:c`.
            Some((scheme, rest)) if !scheme.contains('/') => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self {
            scheme,
            authority,
            path,
            query,
        }
    }
}

/// Resolves `reference` against the absolute URL `base`, as in
/// [RFC 3986, section 5.2](https://www.rfc-editor.org/rfc/rfc3986#section-5.2).
///
/// The result has no fragment, because a request has none.
///
/// With the base `https://a.example/v2/list?page=1`:
///
/// ```text
/// ?page=2                  https://a.example/v2/list?page=2
/// next                     https://a.example/v2/next
/// ../v3/list               https://a.example/v3/list
/// //b.example/list         https://b.example/list
/// ```
fn resolve_reference(base: &str, reference: &str) -> String {
    let base = Reference::parse(base);
    let mut target = Reference::parse(reference);
    let path = if target.scheme.is_some() || target.authority.is_some() {
        remove_dot_segments(target.path)
    } else if target.path.is_empty() {
        target.query = target.query.or(base.query);
        base.path.to_owned()
    } else if target.path.starts_with('/') {
        remove_dot_segments(target.path)
    } else {
        // An empty path of the base counts as "/".
        let directory = base.path.rfind('/').map_or("/", |end| &base.path[..=end]);
        remove_dot_segments(&format!("{directory}{}", target.path))
    };
    if target.scheme.is_none() {
        target.scheme = base.scheme;
        target.authority = target.authority.or(base.authority);
    }
    let mut url = String::new();
    if let Some(scheme) = target.scheme {
        url.push_str(scheme);
        url.push(':');
    }
    if let Some(authority) = target.authority {
        url.push_str("//");
        url.push_str(authority);
    }
    url.push_str(&path);
    if let Some(query) = target.query {
        url.push('?');
        url.push_str(query);
    }
    url
}

/// Removes `.` and `..` from a path that starts with a slash, as in
/// [RFC 3986, section 5.2.4](https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4).
///
/// `/v2/./metrics/../export` becomes `/v2/export`. A path without a slash is returned as it is.
fn remove_dot_segments(path: &str) -> String {
    let Some(path) = path.strip_prefix('/') else {
        return path.to_owned();
    };
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            // Above the root it has no effect.
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    // A path that ends in a dot segment names a directory.
    if matches!(path.rsplit('/').next(), Some("." | "..")) {
        segments.push("");
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_https_and_an_error_shows_no_secret() {
        for (text, joined) in [
            ("https://api.example", "https://api.example/x"),
            ("https://API.example:443/", "https://api.example/x"),
            (
                "https://api.example:8443/a/b//",
                "https://api.example:8443/a/b/x",
            ),
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
            (
                "http://api.example",
                "invalid base URL \"http://api.example\": the scheme must be https",
            ),
            (
                "api.example",
                "invalid base URL \"api.example\": the scheme must be https",
            ),
            ("", "invalid base URL \"\": the scheme must be https"),
            (
                "key:s3cret",
                "invalid base URL \"key…\": the scheme must be https",
            ),
            (
                "https://",
                "invalid base URL \"https://\": it cannot be parsed",
            ),
            (
                "https://a b",
                "invalid base URL \"https://a b\": it cannot be parsed",
            ),
            (
                "https://api.example/a b",
                "invalid base URL \"https://api.example…\": it cannot be parsed",
            ),
            (
                "https://api.example/<a>",
                "invalid base URL \"https://api.example…\": it cannot be parsed",
            ),
            (
                "https://key:s3cret@api.example",
                "base URL must not contain user info: pass the key to Credentials",
            ),
            (
                "https://key:s3c/ret@api.example",
                "base URL must not contain user info: pass the key to Credentials",
            ),
            (
                "https://api.example/?key=s3cret",
                "invalid base URL \"https://api.example…\": query and fragment are not allowed",
            ),
            (
                "https://api.example#s3cret",
                "invalid base URL \"https://api.example…\": query and fragment are not allowed",
            ),
            (
                "https://key:s3cret",
                "invalid base URL \"https://key…\": invalid port",
            ),
            (
                "https://api.example:99999",
                "invalid base URL \"https://api.example…\": invalid port",
            ),
            (
                "https://api.example:0",
                "invalid base URL \"https://api.example…\": invalid port",
            ),
            (
                "https://api.example:",
                "invalid base URL \"https://api.example…\": invalid port",
            ),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn links_are_followed_only_on_the_same_origin() {
        let base = BaseUrl::parse("https://api.example/prefix").unwrap();
        let elsewhere = |origin: &str| Err(Some(origin.to_owned()));
        for (link, followed) in [
            (
                "https://api.example/v2?page_token=a",
                Ok("https://api.example/v2?page_token=a"),
            ),
            (
                "https://API.example:443/v2",
                Ok("https://API.example:443/v2"),
            ),
            (
                "/v2?page_token=a",
                Ok("https://api.example/v2?page_token=a"),
            ),
            (
                "/v2?back=https://b.example/",
                Ok("https://api.example/v2?back=https://b.example/"),
            ),
            (
                "?page_token=a",
                Ok("https://api.example/prefix/v2/query?page_token=a"),
            ),
            (
                "other?page_token=a",
                Ok("https://api.example/prefix/v2/other?page_token=a"),
            ),
            ("../v2", Ok("https://api.example/prefix/v2")),
            ("//api.example/v2", Ok("https://api.example/v2")),
            ("", Ok("https://api.example/prefix/v2/query?a=b/c")),
            (
                "/v2/a|b^c{d}?e=f|g^h{i}\\",
                Ok("https://api.example/v2/a|b^c{d}?e=f|g^h{i}\\"),
            ),
            ("//evil.example/v2", elsewhere("https://evil.example")),
            ("https://evil.example/v2", elsewhere("https://evil.example")),
            (
                "https://api.example:8443/v2",
                elsewhere("https://api.example:8443"),
            ),
            ("http://api.example/v2", elsewhere("http://api.example")),
            ("https://api.example@evil.example/", Err(None)),
            ("https://someone@api.example/", Err(None)),
            ("https://api.example\\@evil.example/", Err(None)),
            ("https:/v2", Err(None)),
            ("/a b", Err(None)),
            ("/<a>", Err(None)),
            ("/v2?a=\"b\"", Err(None)),
            ("/v2/`a`", Err(None)),
        ] {
            assert_eq!(
                base.resolve("https://api.example/prefix/v2/query?a=b/c", link),
                followed.map(str::to_owned),
                "{link}"
            );
        }
    }

    /// The examples of RFC 3986, sections 5.4.1 and 5.4.2, without the fragments of the results.
    #[test]
    fn the_examples_of_rfc_3986_are_resolved() {
        for (reference, target) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("g;x", "http://a/b/c/g;x"),
            ("g;x?y#s", "http://a/b/c/g;x?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("../../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            (".g", "http://a/b/c/.g"),
            ("g..", "http://a/b/c/g.."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s/./x", "http://a/b/c/g"),
            ("g#s/../x", "http://a/b/c/g"),
            ("http:g", "http:g"),
        ] {
            assert_eq!(
                resolve_reference("http://a/b/c/d;p?q", reference),
                target,
                "{reference}"
            );
        }
        // Section 5.2.3: a base without a path, and section 5.2.4: empty segments.
        assert_eq!(resolve_reference("http://a", "g"), "http://a/g");
        assert_eq!(resolve_reference("http://a?q", "../g"), "http://a/g");
        assert_eq!(
            resolve_reference("http://a/b", "/c//../d//"),
            "http://a/c/d//"
        );
        assert_eq!(resolve_reference("http://a/b", "/..//c"), "http://a//c");
    }
}
