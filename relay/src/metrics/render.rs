//! The text of a scrape: the library writes it, from the rows of the table.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::{self, CONTENT_TYPE};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::registry::Registry;

use super::row::{Scrape, Show};
use super::table::ROWS;

impl Scrape {
    /// What the text is, for a `Content-Type`.
    pub const CONTENT_TYPE: &'static str = CONTENT_TYPE;

    /// Everything as Prometheus reads it.
    #[must_use]
    pub fn render(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::with_capacity(16 * 1024);
        // Writing to a string does not fail.
        let _ = prometheus_text::encode(&mut text, &registry);
        text
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for row in ROWS.iter().copied().flatten() {
            // The library puts the ending behind a counter's name by itself.
            let name = row.name.strip_suffix("_total").unwrap_or(row.name);
            match (row.show)(self) {
                Show::Value(value) => {
                    let kind = value.metric_type();
                    value.encode(encoder.encode_descriptor(name, row.help, None, kind)?)?;
                }
                Show::Unset(kind) => {
                    encoder.encode_descriptor(name, row.help, None, kind)?;
                }
                Show::Absent => {}
            }
        }
        Ok(())
    }
}
