//! Addresses of host names.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// A resolver that keeps the addresses it has found for a while.
///
/// ureq looks a name up before every request, in a thread of its own, even if the request goes
/// over a connection that is there already.
#[derive(Clone, Default)]
pub(crate) struct CachingResolver {
    inner: Arc<DefaultResolver>,
    known: Arc<Mutex<Vec<Known>>>,
}

#[derive(Clone)]
struct Known {
    origin: String,
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
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let origin = format!("{:?} {:?}", uri.scheme(), uri.authority());
        let is_fresh = |known: &Known| known.origin == origin && known.since.elapsed() < KEPT_FOR;
        if let Some(known) = self.lock().iter().find(|known| is_fresh(known)) {
            return Ok(known.addresses.clone());
        }
        let addresses = self.inner.resolve(uri, config, timeout)?;
        let mut known = self.lock();
        known.retain(|known| known.origin != origin);
        known.push(Known { origin, since: Instant::now(), addresses: addresses.clone() });
        Ok(addresses)
    }
}

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
        let resolve = || resolver.resolve(&uri, &config, NextTimeout::default()).unwrap()[0].to_string();
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
        assert_eq!(resolve(), "127.0.0.2:9", "it is not looked up before every request");
        plant(KEPT_FOR);
        assert_eq!(resolve(), "127.0.0.1:9");
        plant(Duration::ZERO);
        resolver.clear();
        assert_eq!(resolve(), "127.0.0.1:9");
    }
}
