//! Looks something up in a running relay's index.

use std::time::Duration;

use url::form_urlencoded::Serializer;

use super::admin_client::{AdminClient, AdminClientError, Looked};
use crate::config::Config;
use crate::spool::is_held;

/// Asks `path` of the relay's admin API, with these parameters: of the relay that runs on the data directory, or of the
/// one whose admin listener is at `admin_url`. `why` goes into its audit.
///
/// # Errors
///
/// When no relay runs, it can't be asked, or it says no.
pub async fn look(
    config: &Config,
    admin_url: Option<&str>,
    path: &str,
    parameters: &[(&str, String)],
    why: Option<&str>,
) -> Result<Looked, AdminClientError> {
    let relay = running(config, admin_url)?.because(why.unwrap_or_default());
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters);
    relay.look(&format!("{path}?{}", query.finish())).await
}

/// Hands each event of `path` to `see` as it comes, until that says `false`. When the connection is gone it is made again,
/// from behind the last event that was seen; that it is gone is told to `gone`.
///
/// # Errors
///
/// When no relay runs, it can't be asked at first, or it says no.
pub async fn follow(
    config: &Config,
    admin_url: Option<&str>,
    path: &str,
    parameters: &[(&str, String)],
    why: Option<&str>,
    mut see: impl FnMut(&str) -> bool,
    mut gone: impl FnMut(&str),
) -> Result<(), AdminClientError> {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters);
    let path = format!("{path}?{}", query.finish());
    let mut last: Option<String> = None;
    let mut has_begun = false;
    loop {
        let answer = match running(config, admin_url) {
            Ok(relay) => {
                let relay = relay.because(why.unwrap_or_default());
                relay.follow(&path, last.as_deref()).await
            }
            Err(error) => Err(error),
        };
        match answer {
            Err(error) if !has_begun => return Err(error),
            Err(error) => gone(&error.to_string()),
            Ok(mut answer) => {
                has_begun = true;
                let mut events = Events::default();
                while let Ok(Some(chunk)) = answer.chunk().await {
                    for event in events.read(&chunk) {
                        if event.data.is_some_and(|data| !see(&data)) {
                            return Ok(());
                        }
                        last = event.id.or(last);
                    }
                }
                gone("the relay has gone");
            }
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// Server-sent events out of what comes (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
#[derive(Default)]
struct Events {
    rest: Vec<u8>,
    event: Event,
}

#[derive(Default)]
struct Event {
    id: Option<String>,
    data: Option<String>,
}

impl Events {
    fn read(&mut self, chunk: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(chunk);
        let mut events = Vec::new();
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n');
        let mut lines: Vec<u8> = self.rest.drain(..whole.map_or(0, |end| end + 1)).collect();
        // The last line's end begins no other.
        lines.pop();
        if whole.is_none() {
            return events;
        }
        for line in lines
            .split(|byte| *byte == b'\n')
            .map(String::from_utf8_lossy)
        {
            let line = line.trim_end_matches('\r');
            let value = |name: &str| {
                let value = line.strip_prefix(name)?.strip_prefix(':')?;
                Some(value.strip_prefix(' ').unwrap_or(value).to_owned())
            };
            if let Some(id) = value("id") {
                self.event.id = Some(id);
            } else if let Some(data) = value("data") {
                self.event.data = Some(match self.event.data.take() {
                    Some(before) => format!("{before}\n{data}"),
                    None => data,
                });
            } else if line.is_empty() && self.event.data.is_some() {
                events.push(std::mem::take(&mut self.event));
            }
        }
        events
    }
}

/// After which a connection that is gone is made again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The relay that runs on the data directory, or the one at this address.
fn running(config: &Config, admin_url: Option<&str>) -> Result<AdminClient, AdminClientError> {
    match admin_url {
        Some(url) => AdminClient::at_url(config, url),
        None if is_held(&config.data_dir) => AdminClient::at(config, &config.data_dir),
        None => Err(AdminClientError::Nobody(config.data_dir.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_wherever_they_are_cut() {
        let text = "id: 1-1\ndata: a\n\n:\n\nid: 1-2\r\ndata: b\r\ndata: c\r\n\r\nid: 1-3\ndata: d";
        for size in 1..text.len() {
            let mut events = Events::default();
            let read: Vec<Event> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| events.read(chunk))
                .collect();
            let seen: Vec<(Option<&str>, Option<&str>)> = read
                .iter()
                .map(|event| (event.id.as_deref(), event.data.as_deref()))
                .collect();
            let expected = [(Some("1-1"), Some("a")), (Some("1-2"), Some("b\nc"))];
            assert_eq!(seen, expected, "in pieces of {size}");
        }
    }
}
