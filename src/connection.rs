//! Through which proxy requests go.

use ureq::{Proxy, ProxyProtocol};

use crate::address::{BaseUrl, port_of};
use crate::error::Error;

/// Through which proxy requests go.
pub(crate) enum ProxyChoice {
    Direct,
    Through(Proxy),
    /// The environment names one that cannot be used. To go around it would be against somebody's will.
    Unusable,
}

/// Reads the address of a proxy; it is not repeated, since it may hold a password.
pub(crate) fn proxy_from_url(url: &str) -> Result<ProxyChoice, Error> {
    let refused = || Error::invalid_input("the proxy's address cannot be read");
    // The parser takes what follows for something else than the address.
    if url.contains(['#', '?']) || url.contains(char::is_whitespace) {
        return Err(refused().with_hint("write such signs of a user or password as % and two digits"));
    }
    let proxy = Proxy::new(url).map_err(|error| refused().with_cause(error))?;
    // Without the feature for it ureq panics at a SOCKS proxy when it connects.
    if !is_for_http(&proxy) {
        return Err(Error::invalid_input(
            "the proxy is not one for HTTP: its address has to start with http:// or https://",
        ));
    }
    let authority = proxy.uri().authority().map_or("", |authority| authority.as_str());
    let host_and_port = authority.rsplit('@').next().unwrap_or("");
    match port_of(host_and_port) {
        Some(_) if !proxy.host().is_empty() => Ok(ProxyChoice::Through(proxy)),
        _ => Err(refused()),
    }
}

/// The proxy that the environment names for `base`, if any: `ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`.
pub(crate) fn proxy_from_env(base: &BaseUrl) -> ProxyChoice {
    let names = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    let Some(named) = names.iter().filter_map(|name| std::env::var(name).ok()).find(|url| !url.is_empty())
    else {
        return ProxyChoice::Direct;
    };
    let excepts = |proxy: &Proxy| base.origin().parse().is_ok_and(|origin| proxy.is_no_proxy(&origin));
    match (Proxy::try_from_env(), proxy_from_url(&named)) {
        (Some(proxy), _) if excepts(&proxy) => ProxyChoice::Direct,
        (Some(proxy), Ok(_)) => ProxyChoice::Through(proxy),
        // ureq would take another, or go to the service directly, and say so only in a log.
        _ => ProxyChoice::Unusable,
    }
}

/// What is said of [`ProxyChoice::Unusable`].
pub(crate) fn unusable_proxy() -> Error {
    Error::invalid_input("the environment names a proxy that cannot be used")
        .with_hint("set HTTPS_PROXY to an http:// address, name the service in NO_PROXY, or use ClientBuilder::without_proxy")
}

fn is_for_http(proxy: &Proxy) -> bool {
    matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)
}
