//! The status that missing data has.

use std::fmt;
use std::str::FromStr;

use crate::check::status::Status;
use crate::error::Error;

/// The status of data that is missing, as opposed to stale or incomplete.
///
/// ```
/// use confluent_metrics::check::Missing;
///
/// assert_eq!("critical".parse::<Missing>()?, Missing::Critical);
/// assert_eq!(Missing::default().to_string(), "unknown");
/// let names: Vec<_> = Missing::VARIANTS.iter().map(|missing| missing.as_str()).collect();
/// assert_eq!(names.join(", "), "unknown, ok, warning, critical");
/// # Ok::<(), confluent_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Missing {
    /// Unknown.
    #[default]
    Unknown,
    /// OK, for metrics that have points only while something happens.
    Ok,
    /// A warning.
    Warning,
    /// Critical.
    Critical,
}

impl Missing {
    /// All variants, in the order of this documentation.
    pub const VARIANTS: &'static [Self] = &[Self::Unknown, Self::Ok, Self::Warning, Self::Critical];

    /// Returns the name that [`FromStr`] accepts: `unknown`, `ok`, `warning` or `critical`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Returns the status of a series without data.
    pub(super) const fn status(self) -> Status {
        match self {
            Self::Unknown => Status::Unknown,
            Self::Ok => Status::Ok,
            Self::Warning => Status::Warning,
            Self::Critical => Status::Critical,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Missing {
    type Err = Error;

    /// Parses `unknown`, `ok`, `warning` or `critical`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("on_missing status", Self::VARIANTS, Self::as_str, text)
    }
}
