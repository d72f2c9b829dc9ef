//! The settings that the builder collects.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::certificate::Certificate;
use crate::exposition::ExportDialect;
use crate::rate_limit_headers::RateHeaders;
use crate::rate_limiter::Limits;

/// One field for each method of [`Builder`](crate::Builder), which documents it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) clock: Option<i64>,
    pub(crate) demo: bool,
    pub(crate) topics: usize,
    pub(crate) clusters: Vec<String>,
    /// 0 is no cap.
    pub(crate) page_cap: usize,
    pub(crate) token_lifetime: Duration,
    pub(crate) gzip: bool,
    pub(crate) limits: Limits,
    pub(crate) rate_headers: RateHeaders,
    pub(crate) always_meta: bool,
    pub(crate) links_only: bool,
    pub(crate) unprocessable: bool,
    pub(crate) retry_after: bool,
    pub(crate) closed_descriptors: bool,
    pub(crate) export_dialect: ExportDialect,
    pub(crate) export_cap: usize,
    pub(crate) failing_exports: BTreeSet<String>,
    pub(crate) discovery_target: Option<String>,
    pub(crate) certificate: Certificate,
    pub(crate) tls12_only: bool,
    pub(crate) verbose: bool,
    /// The least time from a request to its response.
    pub(crate) latency: Duration,
    /// Seconds between `Date` and the clock. `None` sends no `Date`.
    pub(crate) date_offset: Option<i64>,
    pub(crate) style: Style,
}

/// The form of data in a response.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Style {
    pub(crate) integers: bool,
    pub(crate) millis: bool,
    pub(crate) newest_first: bool,
    /// Set by a fault: adds unknown members at every level.
    pub(crate) extra_members: bool,
    /// Set by a fault: replaces every value with null.
    pub(crate) null_values: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            clock: None,
            demo: true,
            topics: 0,
            clusters: Vec::new(),
            page_cap: 0,
            token_lifetime: Duration::from_secs(300),
            gzip: true,
            limits: Limits::default(),
            rate_headers: RateHeaders::Repeated,
            always_meta: false,
            links_only: false,
            unprocessable: false,
            retry_after: false,
            closed_descriptors: false,
            export_dialect: ExportDialect::Standard,
            export_cap: 60_000,
            failing_exports: BTreeSet::new(),
            discovery_target: None,
            certificate: Certificate::Good,
            tls12_only: false,
            verbose: false,
            latency: Duration::ZERO,
            date_offset: Some(0),
            style: Style::default(),
        }
    }
}
