//! The status of a check, a series or a report.

use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::serde_text;

/// The status of a check, ordered by precedence: Critical beats Unknown, Unknown beats Warning.
///
/// ```
/// use confluent_metrics::check::Status;
///
/// let worst = [Status::Warning, Status::Unknown, Status::Ok].into_iter().max();
/// assert_eq!(worst, Some(Status::Unknown));
/// assert_eq!(Status::Unknown.exit_code(), 3);
/// assert_eq!(Status::Unknown.as_str(), "UNKNOWN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Everything was evaluated, and no value violates a threshold. Exit code 0.
    Ok,
    /// A value violates the warning threshold. Exit code 1.
    Warning,
    /// Something could not be evaluated. Exit code 3.
    Unknown,
    /// A value violates the critical threshold. Exit code 2.
    Critical,
}

impl Status {
    /// All variants, in ascending order of precedence.
    ///
    /// ```
    /// use confluent_metrics::check::Status;
    ///
    /// assert!(Status::VARIANTS.is_sorted());
    /// ```
    pub const VARIANTS: &'static [Self] = &[Self::Ok, Self::Warning, Self::Unknown, Self::Critical];

    /// Returns the exit code of monitoring plugins: 0 OK, 1 warning, 2 critical, 3 unknown.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// Returns the name in a report: `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Unknown => "UNKNOWN",
            Self::Critical => "CRITICAL",
        }
    }
}

impl From<Status> for ExitCode {
    /// Returns the [exit code](Status::exit_code) of monitoring plugins.
    fn from(status: Status) -> Self {
        Self::from(status.exit_code())
    }
}

impl FromStr for Status {
    type Err = Error;

    /// Parses `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    fn from_str(text: &str) -> Result<Self, Error> {
        Error::parse_choice("status", Self::VARIANTS, Self::as_str, text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    /// Deserializes the text that [`FromStr`] parses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_text::deserialize(deserializer)
    }
}
