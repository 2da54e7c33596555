//! One request and its answer.

use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};

use super::super::transport::{Answer, MAX_ANSWER_BYTES};

/// Sends it and reads the answer, up to the cap.
pub(super) async fn exchange(request: RequestBuilder) -> Answer {
    notice_closed_connections().await;
    match request.send().await {
        Ok(response) => read(response).await,
        Err(error) => Answer::none(root_cause(&error)),
    }
}

/// Nobody drives the connections between two requests. A relay that restarted meanwhile has closed them, and they
/// must be seen to be closed before one is taken for the next request, which would fail on it.
async fn notice_closed_connections() {
    for _ in 0..LOOKS {
        tokio::task::yield_now().await;
    }
}

async fn read(mut response: Response) -> Answer {
    let status = response.status();
    let headers = response.headers();
    let mut answer = Answer {
        status: Some(status.as_u16()),
        // One of no time at all leaves the choice to the sender, or the two would ask and answer without a pause.
        retry_after: retry_after(headers, SystemTime::now())
            .filter(|after| !status.is_success() && !after.is_zero()),
        content_type: text(headers, &CONTENT_TYPE),
        etag: text(headers, &ETAG),
        levels_etag: text(headers, &LEVELS_ETAG),
        ..Answer::default()
    };
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = MAX_ANSWER_BYTES - answer.body.len();
                answer
                    .body
                    .extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if answer.body.len() >= MAX_ANSWER_BYTES {
                    return answer;
                }
            }
            Ok(None) => return answer,
            // A success whose receipt can't be read is none. Any other status is a verdict without its body too.
            Err(error) if status.is_success() => return Answer::none(root_cause(&error)),
            Err(_) => return answer,
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Seconds or an HTTP date, as RFC 9110 has it.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            Some(at.duration_since(now).unwrap_or_default())
        }
    }
}

/// The innermost cause, which says `connection refused` where the outermost says `error sending request`.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

const LEVELS_ETAG: HeaderName = HeaderName::from_static("courier-config");

/// One for the runtime to hear from the system, one for the connection to read it, one for the pool to let go.
const LOOKS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(
                retry_after(&headers, now),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}
