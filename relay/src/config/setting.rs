//! One setting's text.

use std::convert::Infallible;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

/// One setting's text. TOML may also write it as a number or a boolean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting(String);

impl Setting {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says anything.
    pub(super) fn is_said(&self) -> bool {
        !self.0.is_empty()
    }
}

impl<T: fmt::Display> From<T> for Setting {
    fn from(value: T) -> Self {
        Self(value.to_string())
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl<'de> Visitor<'de> for Scalar {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number or a boolean")
            }

            fn visit_str<E>(self, text: &str) -> Result<Setting, E> {
                Ok(Setting::from(text))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Setting, E> {
                Ok(Setting::from(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Setting, E> {
                Ok(Setting::from(number))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Setting, E> {
                Ok(Setting::from(if flag { "on" } else { "off" }))
            }

            /// A list, as a flag has it; which settings may be one is looked at before.
            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Setting, A::Error> {
                let mut list = Vec::new();
                while let Some(text) = texts.next_element::<String>()? {
                    list.push(text);
                }
                Ok(Setting(list.join(",")))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// A setting as a flag has it.
pub(super) fn setting(text: &str) -> Result<Setting, Infallible> {
    Ok(Setting::from(text))
}
