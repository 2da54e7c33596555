//! What a connection is at: a request, a head that is on its way, or nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What a connection is at, seen from the bytes that come and the requests that begin and end.
#[derive(Debug)]
pub struct Pulse {
    started: Instant,
    under_way: AtomicUsize,
    /// When the last request ended; before the first one, when the connection began.
    rested: AtomicU64,
    /// When the head that is on its way began; 0 for none.
    head: AtomicU64,
    is_http2: AtomicBool,
}

/// What a connection without a request under way is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: a request is under way.
    None,
    /// The rest of a head, or the first head of all, for so long.
    Head(Duration),
    /// Another request, for so long.
    Idle(Duration),
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub struct UnderWay(Arc<Pulse>);

impl Default for Pulse {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            under_way: AtomicUsize::new(0),
            rested: AtomicU64::new(0),
            // The first head is expected at once.
            head: AtomicU64::new(1),
            is_http2: AtomicBool::new(false),
        }
    }
}

impl Pulse {
    /// A head is whole: its request begins.
    pub fn begin(self: &Arc<Self>, version: Version) -> UnderWay {
        if version == Version::HTTP_2 {
            self.is_http2.store(true, Ordering::Relaxed);
        }
        self.under_way.fetch_add(1, Ordering::AcqRel);
        self.head.store(0, Ordering::Release);
        UnderWay(Arc::clone(self))
    }

    /// What it waits for.
    pub fn rest(&self) -> Rest {
        if self.under_way.load(Ordering::Acquire) > 0 {
            return Rest::None;
        }
        let since = |millis| {
            let now = self.started.elapsed();
            now.saturating_sub(Duration::from_millis(millis))
        };
        match self.head.load(Ordering::Acquire) {
            0 => Rest::Idle(since(self.rested.load(Ordering::Acquire))),
            began => Rest::Head(since(began)),
        }
    }

    /// Bytes came. Between two requests they are the next head, except in HTTP/2, which also speaks of other things.
    fn bytes(&self) {
        let is_head = self.under_way.load(Ordering::Acquire) == 0
            && !self.is_http2.load(Ordering::Relaxed)
            && self.head.load(Ordering::Acquire) == 0;
        if is_head {
            self.head.store(self.millis().max(1), Ordering::Release);
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.rested.store(self.0.millis(), Ordering::Release);
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A stream whose bytes are noticed as they come.
pub struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Watched<S> {
    /// `stream`, of which `pulse` shall know.
    pub fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pulse.bytes();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_head_is_waited_for_from_its_first_byte_and_a_quiet_connection_is_idle() {
        let pulse = Arc::new(Pulse::default());
        tokio::time::advance(3 * SECOND).await;
        let Rest::Head(since) = pulse.rest() else {
            panic!("the first head is expected at once")
        };
        assert!(since > 2 * SECOND);
        let request = pulse.begin(Version::HTTP_11);
        pulse.bytes();
        tokio::time::advance(100 * SECOND).await;
        assert_eq!(
            pulse.rest(),
            Rest::None,
            "a body may take as long as `body` lets it"
        );
        drop(request);
        tokio::time::advance(20 * SECOND).await;
        assert_eq!(pulse.rest(), Rest::Idle(20 * SECOND));
        pulse.bytes();
        tokio::time::advance(2 * SECOND).await;
        pulse.bytes();
        assert_eq!(
            pulse.rest(),
            Rest::Head(2 * SECOND),
            "a byte now and then does not help"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn frames_of_http2_between_requests_are_no_head() {
        let pulse = Arc::new(Pulse::default());
        let (one, two) = (pulse.begin(Version::HTTP_2), pulse.begin(Version::HTTP_2));
        drop(one);
        assert_eq!(pulse.rest(), Rest::None);
        drop(two);
        pulse.bytes();
        tokio::time::advance(SECOND).await;
        assert_eq!(pulse.rest(), Rest::Idle(SECOND));
    }
}
