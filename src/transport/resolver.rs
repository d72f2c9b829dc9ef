//! Addresses of host names.

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

/// A resolver that keeps the addresses it has found for a while.
///
/// ureq asks before every request, even if that goes over a connection that is there already.
#[derive(Clone, Default)]
pub(crate) struct CachingResolver {
    known: Arc<Mutex<Vec<Known>>>,
}

#[derive(Clone)]
struct Known {
    host_and_port: String,
    since: Instant,
    addresses: ResolvedSocketAddrs,
}

/// How long an address is kept. A connection that fails ends it at once.
const KEPT_FOR: Duration = Duration::from_secs(30);

impl CachingResolver {
    /// Forgets all addresses, so that the next request looks them up again.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for CachingResolver {
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
        let is_fresh = |known: &Known| {
            known.host_and_port == host_and_port && known.since.elapsed() < KEPT_FOR
        };
        if let Some(known) = self.lock().iter().find(|known| is_fresh(known)) {
            return Ok(known.addresses.clone());
        }
        let mut addresses = self.empty();
        for address in look_up(&host_and_port, timeout)?
            .into_iter()
            .take(MAX_ADDRESSES)
        {
            addresses.push(address);
        }
        if addresses.is_empty() {
            let error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            return Err(LookupError(error).into());
        }
        let mut known = self.lock();
        known.retain(|known| known.host_and_port != host_and_port);
        known.push(Known {
            host_and_port,
            since: Instant::now(),
            addresses: addresses.clone(),
        });
        Ok(addresses)
    }
}

/// As many addresses as [`ResolvedSocketAddrs`] has room for.
const MAX_ADDRESSES: usize = 16;

/// Looks a name up in a thread of its own, since the system cannot interrupt a lookup.
fn look_up(host_and_port: &str, timeout: NextTimeout) -> Result<Vec<SocketAddr>, ureq::Error> {
    if let Ok(address) = host_and_port.parse() {
        return Ok(vec![address]);
    }
    let (sender, receiver) = mpsc::channel();
    let name = host_and_port.to_owned();
    let spawned = thread::Builder::new().spawn(move || {
        // Nobody listens any more once the time is over.
        let _ = sender.send(name.to_socket_addrs());
    });
    let found = match spawned {
        Ok(_) => receiver
            .recv_timeout(*timeout.after)
            .map_err(|_| ureq::Error::Timeout(timeout.reason))?,
        // The system refuses a thread. The lookup may take longer then.
        Err(_) => host_and_port.to_socket_addrs(),
    };
    found
        .map(Iterator::collect)
        .map_err(|error| LookupError(error).into())
}

/// A name lookup that failed.
#[derive(Debug)]
pub(crate) struct LookupError(pub(crate) io::Error);

impl LookupError {
    /// Returns true if the name does not exist, so that another lookup would fail as well.
    ///
    /// The standard library keeps only the text of `gai_strerror`.
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

// ureq wants this for its logs; a derived one would bring those of all fields.
impl fmt::Debug for CachingResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CachingResolver")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_up_again_once_it_is_old_or_of_no_use() {
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
            for known in resolver.lock().iter_mut() {
                known.since = Instant::now().checked_sub(age).unwrap();
                known.addresses = other.clone();
            }
        };
        assert_eq!(resolve(), "127.0.0.1:9");
        plant(KEPT_FOR - Duration::from_secs(5));
        assert_eq!(
            resolve(),
            "127.0.0.2:9",
            "it is not looked up before every request"
        );
        plant(KEPT_FOR);
        assert_eq!(resolve(), "127.0.0.1:9");
        plant(Duration::ZERO);
        resolver.clear();
        assert_eq!(resolve(), "127.0.0.1:9");
    }

    #[test]
    fn only_a_name_that_does_not_exist_is_not_looked_up_again() {
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
