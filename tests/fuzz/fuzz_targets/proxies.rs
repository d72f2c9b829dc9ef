//! Proxy variables: nothing panics, a simple reader picks the same proxy, and no error shows a part
//! of a variable.
//!
//! The lines are the host of the service, `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY`,
//! `no_proxy` and `NO_PROXY`.
#![no_main]

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::sync::LazyLock;

use confluent_metrics::Error;
use confluent_metrics::fuzzing::{Proxy, base_host, proxy};
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use url::Url;

const NAMES: [&str; 6] = [
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// The errors of values that are no secret, with `https_proxy` as the name of the variable.
static ERRORS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let values: [&[u8]; 4] = [b"socks5://h", b"a b", b"http://", b"\xff"];
    let errors = values.map(|value| find("h", &[OsStr::from_bytes(value)]).unwrap_err());
    errors.iter().map(shown).collect()
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n').map(OsStr::from_bytes);
    let Some(host) = lines.next().and_then(OsStr::to_str) else {
        return;
    };
    let values: Vec<&OsStr> = lines.collect();
    // Other texts are a host with a port or a path, or invalid.
    if base_host(&format!("https://{host}")).ok() != Some(host.to_ascii_lowercase()) {
        return;
    }
    let found = find(host, &values);
    let with_port = find(&format!("{host}:8443"), &values);
    assert_eq!(found.as_ref().ok(), with_port.as_ref().ok());

    let set = |names: [usize; 4]| {
        let set = names.into_iter().find(|name| {
            let value = values.get(*name);
            value.is_some_and(|value| !value.is_empty())
        });
        set.map(|name| (NAMES[name], values[name]))
    };
    let Some((name, url)) = set([0, 1, 2, 3]) else {
        assert_eq!(found.ok(), Some(None));
        return;
    };
    if let Some((_, list)) = set([4, 4, 5, 5]) {
        if is_bypassed(host, &list.to_string_lossy()) {
            assert_eq!(found.ok(), Some(None), "{list:?}");
            return;
        }
    }
    match found {
        Ok(None) => panic!("no proxy was used"),
        Ok(Some(proxy)) => check_proxy(url.to_str().unwrap(), &proxy),
        Err(error) => {
            let shown = shown(&error).replace(name, NAMES[0]);
            assert!(ERRORS.contains(&shown), "{error:?}");
            assert!(!url.to_str().is_some_and(is_plain), "{error}: {url:?}");
        }
    }
});

/// Returns the proxy of a host with these values of the variables.
fn find(host: &str, values: &[&OsStr]) -> Result<Option<Proxy>, Error> {
    proxy(&format!("https://{host}"), &|name| {
        let index = NAMES.iter().position(|other| *other == name)?;
        values.get(index).map(OsString::from)
    })
}

/// Returns everything that an error shows.
fn shown(error: &Error) -> String {
    format!("{error} {error:?} {:?}", error.hint())
}

/// Returns true if a list of `no_proxy` contains a host.
fn is_bypassed(host: &str, list: &str) -> bool {
    if list == "*" {
        return true;
    }
    let host = host.to_ascii_lowercase();
    let address = bare(&host).parse::<IpAddr>().ok();
    list.to_ascii_lowercase()
        .split([',', ' ', '\t'])
        .any(|entry| match address {
            Some(address) => has_address(entry, address),
            None => has_name(entry, &host),
        })
}

fn has_address(entry: &str, address: IpAddr) -> bool {
    let (network, prefix) = match entry.split_once('/') {
        Some((network, prefix)) => (network, Some(prefix)),
        None => (entry, None),
    };
    let Ok(network) = bare(network).parse::<IpAddr>() else {
        return false;
    };
    let Some(prefix) = prefix else {
        return network == address;
    };
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    match prefix.trim_start_matches('0') {
        // curl takes a prefix of 0 for no prefix at all.
        "" => network == address,
        prefix => {
            let network = prefix
                .parse()
                .ok()
                .map(|prefix| IpNet::new(network, prefix));
            network.is_some_and(|network| network.is_ok_and(|network| network.contains(&address)))
        }
    }
}

fn has_name(entry: &str, host: &str) -> bool {
    let entry = entry.strip_suffix('.').unwrap_or(entry);
    let entry = entry.strip_prefix('.').unwrap_or(entry);
    let host = host.strip_suffix('.').unwrap_or(host);
    if entry.is_empty() {
        return false;
    }
    let domain: Vec<&str> = entry.split('.').collect();
    let labels: Vec<&str> = host.split('.').collect();
    labels.ends_with(&domain)
}

/// Returns an IPv6 address without its brackets.
fn bare(host: &str) -> &str {
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inside.unwrap_or(host)
}

/// Compares a proxy with the one that the `url` package reads.
fn check_proxy(text: &str, (host, port, user, password): &Proxy) {
    let full = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    assert!(*port > 0 && !host.is_empty(), "{text}");
    let Ok(url) = Url::parse(&full) else {
        return;
    };
    let default = if url.scheme() == "https" { 443 } else { 1080 };
    let authority = full.split("://").nth(1).unwrap_or("");
    let authority = authority.split('/').next().unwrap_or("");
    let is_80 = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.trim_start_matches('0') == "80");
    let expected = url.port().unwrap_or(if is_80 { 80 } else { default });
    assert_eq!(*port, expected, "{text}");
    // The package writes numbers of any form as IPv4 addresses, and decodes escapes.
    let expected = url.host_str().unwrap_or("");
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_number = |label: &str| label.starts_with(|c: char| c.is_ascii_digit());
    if host.chars().all(is_name) && !host.split('.').any(is_number) {
        assert!(host.eq_ignore_ascii_case(expected), "{host} {expected}");
    }
    for (found, expected) in [
        (user, url.username()),
        (password, url.password().unwrap_or("")),
    ] {
        let expected = percent_decode_str(expected).decode_utf8();
        if let Ok(expected) = expected {
            assert_eq!(found.as_deref().unwrap_or(""), expected, "{text}");
        }
    }
}

/// Returns true for `http://user:password@host:port` without anything uncommon.
fn is_plain(url: &str) -> bool {
    let rest = url
        .split_once("://")
        .filter(|(scheme, _)| ["http", "https"].contains(scheme));
    let rest = rest.map_or(url, |(_, rest)| rest);
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let (user_info, address) = match rest.split_once('@') {
        Some((user_info, address)) => (Some(user_info), address),
        None => (None, rest),
    };
    let is_user = |text: &str| {
        text.split_once(':')
            .is_some_and(|(u, p)| is_word(u) && is_word(p))
    };
    let (host, port) = match address.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    };
    let is_port = |port: &str| {
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        is_number && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    user_info.is_none_or(is_user) && is_word(host) && port.is_none_or(is_port)
}
