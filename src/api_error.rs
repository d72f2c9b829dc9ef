//! The entries of the service's error responses.

use std::fmt;

use serde::Serialize;

use crate::util::text::sanitize_line;

/// One entry of the service's error response.
///
/// The service documents every field as optional. Mirrors the vendor's
/// [error object](https://api.telemetry.confluent.cloud/docs#section/Object-Model).
///
/// ```
/// use confluent_metrics::{Granularity, Interval, Query};
/// # use confluent_metrics::{Client, Credentials};
/// # let emulator = confluent_metrics_emulator::Emulator::start();
/// # let credentials = Credentials::api_key(emulator.api_key(), emulator.api_secret())?;
/// # let client = Client::builder(credentials)
/// #     .base_url(emulator.url())
/// #     .root_certificates_pem(emulator.ca_pem())
/// #     .build()?;
///
/// let query = Query::new("no.such/metric", Granularity::OneHour, Interval::last_hours(1));
/// let error = client.query(&query).unwrap_err();
/// for entry in error.api_errors() {
///     let detail = entry.detail().unwrap_or("no description");
///     println!("{detail} (status {:?}, code {:?})", entry.status(), entry.code());
///     println!("id for support: {:?}", entry.id());
/// }
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ApiError {
    pub(crate) id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
}

impl ApiError {
    /// Returns the id of this error, to quote in a support request.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the HTTP status in the entry, which the service documents as a string.
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// Returns the service's code for this kind of error.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the service's description of the problem.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl fmt::Display for ApiError {
    /// Prints the parts that the service sent: `status 400, code bad_request: no such metric`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, part) in [
            ("status", &self.status),
            ("code", &self.code),
            ("id", &self.id),
        ] {
            if let Some(part) = part {
                write!(f, "{separator}{name} {}", sanitize_line(part, MAX_PART_LEN))?;
                separator = ", ";
            }
        }
        match &self.detail {
            Some(detail) if separator.is_empty() => {
                f.write_str(&sanitize_line(detail, MAX_PART_LEN))
            }
            Some(detail) => write!(f, ": {}", sanitize_line(detail, MAX_PART_LEN)),
            None => Ok(()),
        }
    }
}

/// The most characters that `Display` prints of one part.
const MAX_PART_LEN: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_that_were_sent_are_printed_on_one_line() {
        let mut entry = ApiError {
            detail: Some("no\nmetric".into()),
            ..ApiError::default()
        };
        assert_eq!(entry.to_string(), r"no\nmetric");
        entry.status = Some("400".into());
        entry.id = Some("7".into());
        assert_eq!(entry.to_string(), r"status 400, id 7: no\nmetric");
        assert_eq!(ApiError::default().to_string(), "");
    }
}
