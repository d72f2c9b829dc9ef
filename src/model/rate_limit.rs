//! The rate limits that the service reports.

use std::time::Duration;

use serde::Serialize;

/// A rate limit of the service, as the latest response reported it.
///
/// The service reports one limit for all calls from an IP address, and may report a second one for
/// a single operation. No limit is part of the vendor's contract: see the
/// [best practices](https://api.telemetry.confluent.cloud/docs#section/Client-Considerations-and-Best-Practices).
///
/// The client already stays within these limits. Use them to display the budget, or to plan work.
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials).base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem()).build()?;
///
/// client.metric_descriptors()?;
/// for limit in client.rate_limits() {
///     let reset = limit.reset().as_secs();
///     println!("{} of {} left for {reset} s", limit.remaining(), limit.limit());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct RateLimit {
    /// The name of the operation that is limited, or `None` for every call.
    pub(crate) operation: Option<&'static str>,
    /// The number of requests in a window.
    pub(crate) limit: u64,
    /// The number that is left, without the requests in flight.
    pub(crate) remaining: u64,
    /// The time from the creation of this value to the end of the window.
    pub(crate) reset: Duration,
}

impl RateLimit {
    /// Returns the name of the operation that is limited, or `None` if the limit is on all calls.
    ///
    /// It is the name in errors, such as `query` or `export`. The limit of an export is that of its
    /// resources.
    ///
    /// ```
    /// # use confluent_metrics::{Client, Credentials};
    /// # let emulator = confluent_metrics_emulator::Emulator::start();
    /// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
    /// # let client = Client::builder(credentials)
    /// #     .base_url(emulator.url())
    /// #     .root_certificates_pem(emulator.ca_pem())
    /// #     .build()?;
    /// for limit in client.rate_limits() {
    ///     println!("{}: {}", limit.operation().unwrap_or("all calls"), limit.limit());
    /// }
    /// # Ok::<(), confluent_metrics::Error>(())
    /// ```
    #[must_use]
    pub const fn operation(&self) -> Option<&'static str> {
        self.operation
    }

    /// Returns the number of requests that the service accepts between two resets.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns the number of requests that are left until the next reset.
    ///
    /// Requests in flight are already subtracted.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns the time until the next reset, or zero after that.
    #[must_use]
    pub const fn reset(&self) -> Duration {
        self.reset
    }
}
