//! Where the service is, and which other addresses are the same place.

use crate::error::Error;
use crate::util::text::sanitize_line;

/// Where the service is: scheme, host and port, and the path that all its paths start with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BaseUrl {
    origin: String,
    path_prefix: String,
}

impl BaseUrl {
    /// The service itself.
    pub(crate) fn production() -> Self {
        Self {
            origin: "https://api.telemetry.confluent.cloud".into(),
            path_prefix: String::new(),
        }
    }

    /// Reads a base URL; what is refused is not repeated where it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        // Wherever the sign stands, a password may stand before it, slashes and all.
        if text.contains('@') {
            let why = "the base URL has user info in it, before an @: give the key to Credentials instead";
            return Err(Error::invalid_input(why));
        }
        let refused = |why: &str| {
            Error::invalid_input(format!(
                "the base URL \"{}\" {why}",
                redacted_for_display(text)
            ))
        };
        if text.contains(['?', '#']) {
            return Err(refused("has a query or a fragment"));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(refused("is not https"));
        }
        let authority = rest.split('/').next().unwrap_or("");
        if parse_port(authority).is_none() {
            return Err(refused("has no valid port"));
        }
        let prefix = rest
            .get(authority.len()..)
            .unwrap_or("")
            .trim_end_matches('/');
        match parse_origin(text) {
            Some(origin) => Ok(Self {
                origin,
                path_prefix: prefix.to_owned(),
            }),
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
        format!("{}{}{path}", self.origin, self.path_prefix)
    }

    /// Resolves a reference in the response from the URL `from`, such as a `Location` or a link.
    ///
    /// # Errors
    ///
    /// The origin that it leads to, if that is another one. `None` if the result is no URL.
    pub(crate) fn resolve(&self, from: &str, reference: &str) -> Result<String, Option<String>> {
        let url = resolve_reference(from, reference);
        match parse_origin(&url) {
            Some(origin) if origin == self.origin => Ok(url),
            origin => Err(origin),
        }
    }
}

/// A URI reference in its components, as in RFC 3986, appendix B. The fragment is left out.
struct Reference<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Self {
        let text = text.split('#').next().unwrap_or("");
        let (rest, query) = match text.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (text, None),
        };
        let (scheme, rest) = match rest.split_once(':') {
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

/// Resolves `reference` against the absolute URL `base`, as in RFC 3986, section 5.2.
///
/// The result has no fragment, because none is sent.
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
        // The path of a base without one counts as "/".
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

/// Removes `.` and `..` from a path that starts with a slash, as in RFC 3986, section 5.2.4.
fn remove_dot_segments(path: &str) -> String {
    let Some(path) = path.strip_prefix('/') else {
        return path.to_owned();
    };
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
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

/// As much of a faulty base URL as surely holds no secret: nothing of a query or fragment, nor what should be a port.
fn redacted_for_display(text: &str) -> String {
    let start = text.split(['?', '#']).next().unwrap_or("");
    let host_at = start.find("://").map_or(0, |at| at + 3);
    let host_end = start[host_at..]
        .find([':', '/'])
        .map_or(start.len(), |at| host_at + at);
    let cut = if host_end < text.len() { "…" } else { "" };
    format!("{}{cut}", sanitize_line(&start[..host_end], 100))
}

/// Scheme, host and port of an absolute address without user info, the port left out where it is the scheme's own.
pub(crate) fn parse_origin(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let port = parse_port(authority)?;
    let host = port.map_or(authority, |_| {
        authority.rsplit_once(':').map_or("", |(host, _)| host)
    });
    let is_host = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => {
            !address.is_empty()
                && address
                    .bytes()
                    .all(|b| b.is_ascii_hexdigit() || b":.".contains(&b))
        }
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        }
    };
    let is_scheme = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // What ends an address in any text is no part of one, and ureq would not read it.
    let is_address = address
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"<>\"`".contains(&byte));
    if !is_host || !is_scheme || !is_address {
        return None;
    }
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let port = port
        .filter(|port| (scheme.as_str(), *port) != ("https", 443))
        .map(|port| format!(":{port}"));
    Some(format!("{scheme}://{host}{}", port.unwrap_or_default()))
}

/// The port that a host and port name, if any; `None` where what follows the colon is no port.
pub(crate) fn parse_port(authority: &str) -> Option<Option<u16>> {
    match authority
        .rsplit_once(':')
        .map(|(_, port)| port)
        .filter(|port| !port.ends_with(']'))
    {
        None => Some(None),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().ok().filter(|port| *port > 0).map(Some)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_https_without_secrets() {
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
                "the base URL \"http://api.example\" is not https",
            ),
            ("api.example", "the base URL \"api.example\" is not https"),
            ("", "the base URL \"\" is not https"),
            ("key:s3cret", "the base URL \"key…\" is not https"),
            ("https://", "the base URL \"https://\" cannot be read"),
            ("https://a b", "the base URL \"https://a b\" cannot be read"),
            (
                "https://api.example/a b",
                "the base URL \"https://api.example…\" cannot be read",
            ),
            (
                "https://api.example/<a>",
                "the base URL \"https://api.example…\" cannot be read",
            ),
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
            (
                "https://api.example#s3cret",
                "the base URL \"https://api.example…\" has a query or a fragment",
            ),
            (
                "https://key:s3cret",
                "the base URL \"https://key…\" has no valid port",
            ),
            (
                "https://api.example:99999",
                "the base URL \"https://api.example…\" has no valid port",
            ),
            (
                "https://api.example:0",
                "the base URL \"https://api.example…\" has no valid port",
            ),
            (
                "https://api.example:",
                "the base URL \"https://api.example…\" has no valid port",
            ),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn links_are_followed_on_the_same_origin_only() {
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
    fn references_are_resolved_as_in_the_examples_of_rfc_3986() {
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
