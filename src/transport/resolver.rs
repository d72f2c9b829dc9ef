//! Resolves host names, with a cache and a timeout.
//!
//! ureq calls [`CachingResolver`] before every request, in these steps:
//!
//! 1. Return the addresses in the cache, if they are not too old.
//! 2. Return the host itself, if it is an address already.
//! 3. Otherwise look up the name in a new thread, and wait for it until the timeout.
//! 4. Store at most [`MAX_ADDRESSES`] addresses.
//!
//! A connection that cannot be opened clears the cache, because the service may have moved. Failed
//! lookups are not cached.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::transport::cancel::RunningCalls;

/// A resolver with a cache.
///
/// ureq resolves the name before every request, even if the pool has an open connection: see
/// [`run.rs`](https://github.com/algesten/ureq/blob/3.5.2/src/run.rs).
///
/// The connector and the agent each have a clone, which share the cache.
#[derive(Clone, Default)]
pub(crate) struct CachingResolver {
    /// One entry for each host: the service, and the proxy if there is one.
    cache: Arc<Mutex<Vec<CacheEntry>>>,
    /// The calls that may be canceled during a lookup.
    calls: RunningCalls,
}

/// The result of one lookup.
#[derive(Clone)]
struct CacheEntry {
    /// The key, such as `api.telemetry.confluent.cloud:443`.
    host_and_port: String,
    /// The time at which the lookup ended.
    resolved_at: Instant,
    /// The addresses in the order of the system, at least one.
    addresses: ResolvedSocketAddrs,
}

/// The time for which an entry is valid. A failed connection clears the cache.
///
/// The system does not tell the TTL of the DNS records.
const CACHE_TTL: Duration = Duration::from_secs(30);

impl CachingResolver {
    /// Creates a resolver with an empty cache.
    pub(crate) fn new(calls: RunningCalls) -> Self {
        Self {
            cache: Arc::default(),
            calls,
        }
    }

    /// Removes all entries, so that the next request looks up the name again.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Locks the cache. No lookup runs with the lock, so nobody waits for a name of another thread.
    fn lock(&self) -> MutexGuard<'_, Vec<CacheEntry>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for CachingResolver {
    /// Returns the addresses of the host of `uri`, from the cache or from a lookup.
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host_and_port = uri
            .scheme()
            .zip(uri.authority())
            .and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority))
            .ok_or(ureq::Error::HostNotFound)?;
        let cached = self
            .lock()
            .iter()
            .find(|entry| entry.host_and_port == host_and_port)
            .filter(|entry| entry.resolved_at.elapsed() < CACHE_TTL)
            .map(|entry| entry.addresses.clone());
        if let Some(addresses) = cached {
            return Ok(addresses);
        }
        let mut addresses = self.empty();
        for address in look_up(&host_and_port, timeout, &self.calls)?
            .into_iter()
            // `push` panics beyond the capacity.
            .take(MAX_ADDRESSES)
        {
            addresses.push(address);
        }
        if addresses.is_empty() {
            let error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            return Err(LookupError(error).into());
        }
        let mut cache = self.lock();
        cache.retain(|entry| entry.host_and_port != host_and_port);
        cache.push(CacheEntry {
            host_and_port,
            resolved_at: Instant::now(),
            addresses: addresses.clone(),
        });
        Ok(addresses)
    }
}

/// The capacity of [`ResolvedSocketAddrs`].
const MAX_ADDRESSES: usize = 16;

/// Looks up a name in a new thread, because the system cannot interrupt a lookup.
///
/// The thread itself ends with the lookup. The system limits that, usually to some seconds.
///
/// # Errors
///
/// The timeout, also if the call is canceled, or a [`LookupError`].
fn look_up(
    host_and_port: &str,
    timeout: NextTimeout,
    calls: &RunningCalls,
) -> Result<Vec<SocketAddr>, ureq::Error> {
    // An address needs no lookup, so it needs no thread.
    if let Ok(address) = host_and_port.parse() {
        return Ok(vec![address]);
    }
    let (sender, receiver) = mpsc::channel();
    let name = host_and_port.to_owned();
    let spawned = thread::Builder::new().spawn(move || {
        // The receiver is gone after the timeout.
        let _ = sender.send(name.to_socket_addrs());
    });
    let addresses = match spawned {
        Ok(_) => calls
            .receive(&receiver, *timeout.after)
            .ok_or(ureq::Error::Timeout(timeout.reason))?,
        // The system refused a thread, so this lookup has no timeout and cannot be canceled.
        Err(_) => host_and_port.to_socket_addrs(),
    };
    addresses
        .map(Iterator::collect)
        .map_err(|error| LookupError(error).into())
}

/// A name lookup that failed.
///
/// It passes through ureq as [`ureq::Error::Other`], like the error of the connector.
#[derive(Debug)]
pub(crate) struct LookupError(pub(crate) io::Error);

impl LookupError {
    /// Returns true if the name does not exist, so that a retry would fail as well.
    ///
    /// The standard library drops the code of `getaddrinfo` and keeps the text of `gai_strerror`.
    /// See [`std::sys::net`](https://github.com/rust-lang/rust/tree/1.85.0/library/std/src/sys/net).
    pub(crate) fn is_unknown_name(&self) -> bool {
        const TEXTS: [&str; 3] = [
            // glibc
            "Name or service not known",
            // musl
            "Name does not resolve",
            // macOS
            "nodename nor servname provided, or not known",
        ];
        const WSAHOST_NOT_FOUND: i32 = 11_001;
        let text = self.0.to_string();
        self.0.raw_os_error() == Some(WSAHOST_NOT_FOUND)
            || TEXTS.iter().any(|unknown| text.ends_with(unknown))
    }
}

impl From<LookupError> for ureq::Error {
    fn from(error: LookupError) -> Self {
        Self::Other(Box::new(error))
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LookupError {}

// ureq requires `Debug` for its logs. A derived one would print the cache.
impl fmt::Debug for CachingResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachingResolver")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cached_address_is_valid_until_its_ttl_or_a_failure() {
        let uri: Uri = "https://127.0.0.1:9/v2".parse().unwrap();
        let config = Config::default();
        let resolver = CachingResolver::default();
        let resolve = || {
            resolver
                .resolve(&uri, &config, NextTimeout::default())
                .unwrap()[0]
                .to_string()
        };
        let plant = |age| {
            let mut other = resolver.empty();
            other.push("127.0.0.2:9".parse().unwrap());
            for entry in resolver.lock().iter_mut() {
                entry.resolved_at = Instant::now().checked_sub(age).unwrap();
                entry.addresses = other.clone();
            }
        };
        assert_eq!(resolve(), "127.0.0.1:9");
        plant(CACHE_TTL.saturating_sub(Duration::from_secs(5)));
        assert_eq!(resolve(), "127.0.0.2:9", "a request uses the cache");
        plant(CACHE_TTL);
        assert_eq!(resolve(), "127.0.0.1:9");
        plant(Duration::ZERO);
        resolver.clear();
        assert_eq!(resolve(), "127.0.0.1:9");
    }

    #[test]
    fn only_a_name_that_does_not_exist_is_not_retried() {
        let is_unknown = |error: io::Error| LookupError(error).is_unknown_name();
        let of_text =
            |text: &str| io::Error::other(format!("failed to lookup address information: {text}"));
        for text in [
            "Name or service not known",
            "Name does not resolve",
            "nodename nor servname provided, or not known",
        ] {
            assert!(is_unknown(of_text(text)), "{text}");
        }
        assert!(is_unknown(io::Error::from_raw_os_error(11_001)));
        for text in [
            "Temporary failure in name resolution",
            "Non-recoverable failure in name resolution",
            "No address associated with hostname",
            "Memory allocation failure",
            "Try again",
            "Non-recoverable error",
            "Name has no usable address",
            "Unknown error",
            "non-recoverable failure in name resolution",
        ] {
            assert!(!is_unknown(of_text(text)), "{text}");
        }
        // EAI_SYSTEM on Linux, and WSATRY_AGAIN.
        assert!(!is_unknown(io::Error::from_raw_os_error(24)));
        assert!(!is_unknown(io::Error::from_raw_os_error(11_002)));
    }
}
