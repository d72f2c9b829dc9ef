//! Page tokens: opaque, bound to one request, and valid for a short time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::evaluate::Key;
use crate::generator::mix;

/// Encodes to `+/+/`, so that a client that does not percent-encode a token fails.
const HOSTILE: [u8; 3] = [0xfb, 0xff, 0xbf];

/// The tokens issued so far.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// The number of tokens so far, which makes the next one unique.
    count: AtomicU64,
    issued: Mutex<HashMap<String, Issued>>,
}

#[derive(Debug)]
struct Issued {
    operation: String,
    body: Vec<u8>,
    after: Key,
    /// `None` after it was made to expire.
    created_at: Option<Instant>,
}

impl Tokens {
    /// Issues a token for the page after this group. It is valid with exactly this body.
    pub(crate) fn issue(&self, operation: &str, body: &[u8], after: Key) -> String {
        let number = mix(self.count.fetch_add(1, Ordering::Relaxed));
        // Eleven bytes are not a multiple of three, so the base64 ends with `=`.
        let token = STANDARD.encode([HOSTILE.as_slice(), &number.to_be_bytes()].concat());
        let entry = Issued {
            operation: operation.to_owned(),
            body: body.to_vec(),
            after,
            created_at: Some(Instant::now()),
        };
        self.lock().insert(token.clone(), entry);
        token
    }

    /// Returns the group that the page starts after, if the token is valid for this request.
    pub(crate) fn redeem(
        &self,
        token: &str,
        operation: &str,
        body: &[u8],
        lifetime: Duration,
    ) -> Result<Key, &'static str> {
        let issued = self.lock();
        let entry = issued.get(token).ok_or("page_token is invalid")?;
        if entry.created_at.is_none_or(|at| at.elapsed() > lifetime) {
            return Err("page_token has expired");
        }
        if entry.operation != operation || entry.body != body {
            return Err("page_token does not belong to this request");
        }
        Ok(entry.after.clone())
    }

    /// Makes every token expire.
    ///
    /// Those that expired before are forgotten, so that an emulator may run for long.
    pub(crate) fn expire_all(&self) {
        let mut issued = self.lock();
        issued.retain(|_, entry| entry.created_at.is_some());
        for entry in issued.values_mut() {
            entry.created_at = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_token_is_valid_for_its_request_only() {
        let tokens = Tokens::default();
        let key = vec![Some("a".to_owned()), None];
        let token = tokens.issue("cloud", b"{}", key.clone());
        let other = tokens.issue("cloud", b"{}", key.clone());
        assert_ne!(token, other);
        assert!(
            token.contains('+') && token.contains('/') && token.contains('='),
            "{token}"
        );
        assert_eq!(tokens.redeem(&token, "cloud", b"{}", LONG), Ok(key.clone()));
        assert_eq!(
            tokens.redeem(&token, "cloud", b"{}", LONG),
            Ok(key),
            "a repeated page is the same page"
        );
        assert!(tokens.redeem(&token, "cloud", b"{ }", LONG).is_err());
        assert!(tokens.redeem(&token, "cloud-custom", b"{}", LONG).is_err());
        assert!(tokens.redeem("dG9waWNC", "cloud", b"{}", LONG).is_err());
        assert_eq!(
            tokens.redeem(&token, "cloud", b"{}", Duration::ZERO),
            Err("page_token has expired")
        );
        tokens.expire_all();
        assert_eq!(
            tokens.redeem(&token, "cloud", b"{}", LONG),
            Err("page_token has expired")
        );
        let fresh = tokens.issue("cloud", b"{}", Vec::new());
        assert!(tokens.redeem(&fresh, "cloud", b"{}", LONG).is_ok());
        tokens.expire_all();
        assert_eq!(
            tokens.lock().len(),
            1,
            "those of the first time are forgotten"
        );
    }
}
