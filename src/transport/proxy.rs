//! Selects the proxy that the caller or the environment sets.
//!
//! The variables are read as curl reads them: <https://curl.se/docs/manpage.html#ENVIRONMENT>.
//!
//! `ClientBuilder` builds a [`ProxyChoice`] once: with [`ProxyChoice::from_url`] if the caller sets
//! a proxy, and with [`ProxyChoice::from_env`] otherwise. The environment is read in these steps:
//!
//! 1. Take the first variable that is set. Without one, connect directly.
//! 2. Connect directly if `NO_PROXY` lists the host of the base URL.
//! 3. Parse the URL. If it is invalid, every request fails with an error that names the variable.
//!
//! ```text
//! HTTPS_PROXY=http://10.0.0.5:3128                             Through
//! HTTPS_PROXY=http://10.0.0.5:3128  NO_PROXY=.confluent.cloud  Direct
//! HTTPS_PROXY=socks5://10.0.0.5                                Invalid
//! ```

use std::env;
use std::ffi::OsString;
use std::net::IpAddr;

use ureq::{Proxy, ProxyProtocol};

use crate::error::Error;
use crate::transport::url::{BaseUrl, parse_port};

/// The proxy that requests go through, if any.
pub(crate) enum ProxyChoice {
    /// Requests go to the service directly.
    Direct,
    /// Requests go through a tunnel that the proxy opens.
    Through(Proxy),
    /// Requests fail.
    Invalid(InvalidProxy),
}

/// An environment variable with an invalid proxy.
///
/// Every request fails then. To bypass the proxy may violate the policy of a network.
pub(crate) struct InvalidProxy {
    /// The name of the variable.
    variable: &'static str,
    /// The problem with its value, without any part of the value.
    reason: &'static str,
}

/// The variables for HTTPS, in the order in which curl reads them. `HTTP_PROXY` is not among them.
const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The variables with hosts that need no proxy, in the order in which curl reads them.
const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The port of an `http://` proxy whose URL names none, as in curl.
const DEFAULT_PORT: u16 = 1080;

impl ProxyChoice {
    /// Parses the URL of a proxy. An error never repeats it, because it may hold a password.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, if the URL is not that of an HTTP or HTTPS proxy.
    pub(crate) fn from_url(url: &str) -> Result<Self, Error> {
        match parse_proxy(url) {
            Ok(proxy) => Ok(Self::Through(proxy)),
            Err(reason) => Err(Error::invalid_input(format!("invalid proxy URL: {reason}"))),
        }
    }

    /// Reads the proxy for `base` from the environment.
    ///
    /// An invalid value becomes [`Invalid`](Self::Invalid): the requests fail, not this function.
    pub(crate) fn from_env(base: &BaseUrl) -> Self {
        Self::from_variables(base, &|name| env::var_os(name))
    }

    /// Reads the proxy for `base` from variables, of which `value` returns the value.
    pub(crate) fn from_variables(base: &BaseUrl, value: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let Some((variable, url)) = first_set(&PROXY_VARIABLES, value) else {
            return Self::Direct;
        };
        if let Some((_, no_proxy)) = first_set(&NO_PROXY_VARIABLES, value) {
            if is_bypassed(base.host(), &no_proxy.to_string_lossy()) {
                return Self::Direct;
            }
        }
        match url
            .to_str()
            .ok_or("not valid Unicode")
            .and_then(parse_proxy)
        {
            Ok(proxy) => Self::Through(proxy),
            Err(reason) => Self::Invalid(InvalidProxy { variable, reason }),
        }
    }
}

impl InvalidProxy {
    /// Returns the error of a request, which names the variable and hides its value.
    pub(crate) fn to_error(&self) -> Error {
        let Self { variable, reason } = self;
        Error::invalid_input(format!("invalid proxy URL in {variable}: {reason}")).with_hint(
            format!(
                "set {variable} to http://host:port, list the host of the service in NO_PROXY, \
             or call ClientBuilder::without_proxy"
            ),
        )
    }
}

/// Returns the name and value of the first variable that is set and not empty.
///
/// The value may be any bytes. An empty variable counts as unset, as in curl.
fn first_set(
    names: &[&'static str],
    value: &dyn Fn(&str) -> Option<OsString>,
) -> Option<(&'static str, OsString)> {
    names.iter().find_map(|name| {
        let value = value(name).filter(|value| !value.is_empty())?;
        Some((*name, value))
    })
}

/// Parses the URL of an HTTP proxy. The default port is that of curl.
///
/// # Errors
///
/// The reason, which contains no part of the URL.
fn parse_proxy(url: &str) -> Result<Proxy, &'static str> {
    // For `http::Uri` these characters end the authority, so that the beginning of a password
    // would become the host.
    if url.contains(['#', '?']) || url.contains(char::is_whitespace) {
        return Err("'#', '?' and white space in it must be percent-encoded");
    }
    let invalid = "expected http://host:port or http://user:password@host:port";
    let proxy = Proxy::new(url).map_err(|_| invalid)?;
    // ureq panics on a SOCKS proxy if it is built without the feature `socks-proxy`.
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err("expected http:// or https://, since SOCKS is not supported");
    }
    let authority = proxy
        .uri()
        .authority()
        .map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit('@').next().unwrap_or("");
    let port = parse_port(host_and_port).map_err(|_| invalid)?;
    if proxy.host().is_empty() {
        return Err(invalid);
    }
    match (proxy.protocol(), port) {
        (ProxyProtocol::Http, None) => {
            Proxy::new(&format!("http://{authority}:{DEFAULT_PORT}")).map_err(|_| invalid)
        }
        _ => Ok(proxy),
    }
}

/// Returns true if a `NO_PROXY` list contains `host`, in which an IPv6 address is in brackets.
///
/// As in curl, `*` must be the only entry: see
/// [`noproxy.c`](https://github.com/curl/curl/blob/master/lib/noproxy.c).
///
/// Other entries are separated by commas, spaces or tabs:
///
/// ```text
/// example.com        the host example.com and its subdomains
/// .example.com       the same
/// 10.0.0.0/8         addresses in this network, if the host is an address
/// ```
fn is_bypassed(host: &str, no_proxy: &str) -> bool {
    if no_proxy == "*" {
        return true;
    }
    let mut entries = no_proxy.split([',', ' ', '\t']);
    match without_brackets(host).parse::<IpAddr>() {
        Ok(address) => entries.any(|entry| contains_address(entry, address)),
        Err(_) => entries.any(|entry| contains_name(entry, host)),
    }
}

/// Returns true if `host` is the domain `entry`, or a subdomain of it.
///
/// Letter case and a dot at either end do not matter. An empty entry matches nothing.
fn contains_name(entry: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let domain = entry
        .strip_prefix('.')
        .unwrap_or(entry)
        .to_ascii_lowercase();
    match host.strip_suffix(&domain) {
        // `notexample.com` is no subdomain of `example.com`.
        Some(rest) => !domain.is_empty() && (rest.is_empty() || rest.ends_with('.')),
        None => false,
    }
}

/// Returns true if `entry` is `address`, or a network in CIDR notation that contains it.
///
/// An address of the other family never matches, nor does an entry that cannot be parsed.
fn contains_address(entry: &str, address: IpAddr) -> bool {
    let (network, prefix) = match entry.split_once('/') {
        Some((network, prefix)) => (network, Some(prefix)),
        None => (entry, None),
    };
    let (network, address, width) = match (without_brackets(network).parse(), address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => (
            u128::from(network.to_bits()),
            u128::from(address.to_bits()),
            32_u32,
        ),
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
            (network.to_bits(), address.to_bits(), 128)
        }
        _ => return false,
    };
    // `u32::from_str` would accept a sign.
    if prefix.is_some_and(|prefix| prefix.starts_with('+')) {
        return false;
    }
    match prefix.map_or(Ok(width), str::parse) {
        // curl takes a prefix of 0 for no prefix at all.
        Ok(0) => network == address,
        // All bits in which the two addresses differ must be after the prefix.
        Ok(bits) if bits <= width => (network ^ address) >> (width - bits) == 0,
        _ => false,
    }
}

/// Returns an IPv6 address without its brackets, and any other host as it is.
fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_port_is_the_one_of_curl() {
        for (url, host, port) in [
            ("http://proxy.example", "proxy.example", 1080),
            ("proxy.example", "proxy.example", 1080),
            ("http://user:p%2Fw@proxy.example/", "proxy.example", 1080),
            ("http://[::1]", "[::1]", 1080),
            ("https://proxy.example", "proxy.example", 443),
            ("http://proxy.example:80", "proxy.example", 80),
            ("proxy.example:3128", "proxy.example", 3128),
        ] {
            let proxy = parse_proxy(url).unwrap();
            assert_eq!((proxy.host(), proxy.port()), (host, port), "{url}");
        }
        let proxy = parse_proxy("http://user:p%2Fw@proxy.example").unwrap();
        assert_eq!(
            (proxy.username(), proxy.password()),
            (Some("user"), Some("p/w"))
        );
    }

    #[test]
    fn an_invalid_proxy_url_is_refused() {
        let socks = "expected http:// or https://, since SOCKS is not supported";
        let encode = "'#', '?' and white space in it must be percent-encoded";
        let invalid = "expected http://host:port or http://user:password@host:port";
        for (url, reason) in [
            ("socks5h://127.0.0.1:1", socks),
            ("socks4://127.0.0.1:1", socks),
            ("http://user:a#b@proxy.example:80", encode),
            ("http://user:a?b@proxy.example:80", encode),
            (" http://proxy.example:80", encode),
            ("ftp://proxy.example", invalid),
            ("http://", invalid),
            ("http://:80", invalid),
            ("http://proxy.example:", invalid),
            ("http://proxy.example:0", invalid),
            ("http://proxy.example:99999", invalid),
            ("http://user:a/b@proxy.example:80", invalid),
            ("", invalid),
        ] {
            assert_eq!(parse_proxy(url).err(), Some(reason), "{url}");
        }
    }

    #[test]
    fn a_no_proxy_list_contains_domains_and_networks() {
        for (host, no_proxy, expected) in [
            ("api.example.com", "example.com", true),
            ("api.example.com", ".example.com", true),
            ("api.example.com", "other.example, Example.Com. ", true),
            ("api.example.com.", "example.com", true),
            ("api.example.com", "com", true),
            ("api.example.com", "ample.com", false),
            ("api.example.com", "*.example.com", false),
            ("api.example.com", "x.api.example.com", false),
            ("api.example.com", "..example.com", false),
            ("api.example.com", ".", false),
            (".", ".", false),
            ("api.example.com", ", ,", false),
            ("api.example.com", "", false),
            ("api.example.com", "ü.example.com", false),
            ("api.example.com", "*", true),
            ("api.example.com", "*,other.example", false),
            ("10.1.2.3", "10.1.0.0/16", true),
            ("10.1.2.3", "10.1.2.2/31", true),
            ("10.1.2.3", "10.1.2.4/31", false),
            ("10.1.2.3", "10.1.2.3/0", true),
            ("10.1.2.3", "0.0.0.0/0", false),
            ("10.1.2.3", "10.1.2.3/-1", false),
            ("10.1.2.3", "10.1.2.3/33", false),
            ("10.1.2.3", "10.1.0.0/+16", false),
            ("10.1.2.3", "10.1.2.3/", false),
            ("10.1.2.3", "2.3", false),
            ("10.1.2.3", "10.1.2.3.", false),
            ("[fd00::5]", "fd00::/8", true),
            ("[fd00::5]", "[fd00::]/8", true),
            ("[fd00::5]", "fc00::/7", true),
            ("[fd00::5]", "fe00::/8", false),
            ("[fd00::5]", "fd00::5/128", true),
            ("[fd00::5]", "fd00::4/127", true),
            ("[fd00::5]", "fd00::6/127", false),
            ("[fd00::5]", "fd00::5/129", false),
            ("[FD00:0::5]", "[fd00::5]", true),
            ("[::1]", "::/0", false),
            ("[::ffff:10.1.2.3]", "10.1.2.3", false),
        ] {
            assert_eq!(is_bypassed(host, no_proxy), expected, "{host} {no_proxy}");
        }
    }
}
