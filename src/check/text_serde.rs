//! The choices of checks as text in serde: `"max"`, `"all"`, `"percent"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::check::change::Change;
use crate::check::format::Format;
use crate::check::missing::Missing;
use crate::check::quantifier::Quantifier;
use crate::check::reduce::Reduce;
use crate::serde_text;

/// Implements serde for types by the text of `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($($choice:ty),*) => {
        $(
            impl Serialize for $choice {
                /// Serializes the text that `Display` prints.
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $choice {
                /// Deserializes the text that `FromStr` parses.
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    serde_text::deserialize(deserializer)
                }
            }
        )*
    };
}

serde_as_text!(Change, Format, Missing, Quantifier, Reduce);
