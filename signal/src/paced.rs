//! A stream that ends when its other end does not take what is written to it.
//!
//! The time counts only while there is something to write for which the system has no room. Whoever then takes nothing, or next to nothing, has
//! the place of somebody else.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use crate::config::PACE_BYTES_PER_SECOND;

/// The stream. A write that waits in vain fails with [`io::ErrorKind::TimedOut`]; a later one may still come through.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    stream: S,
    period: Duration,
    /// From the first write that had to wait until everything is written.
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// The end of a period. Boxed: an idle socket has none.
    end: Pin<Box<Sleep>>,
    /// Bytes written in this period.
    written: usize,
}

impl<S> Paced<S> {
    /// In each `period`, as long as there is something to write, [`PACE_BYTES_PER_SECOND`] have to leave.
    pub(crate) const fn new(stream: S, period: Duration) -> Self {
        Self {
            stream,
            period,
            waiting: None,
        }
    }

    /// The stream has no room. Ready with an error if it has had none for too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let period = self.period;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            end: Box::pin(sleep(period)),
            written: 0,
        });
        let expected = period.as_millis() * u128::from(PACE_BYTES_PER_SECOND) / 1_000;
        loop {
            ready!(waiting.end.as_mut().poll(context));
            let is_enough = waiting.written as u128 >= expected;
            waiting.end.as_mut().reset(Instant::now() + period);
            waiting.written = 0;
            if !is_enough {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn outcome<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match result {
            Poll::Pending => self.poll_patience(context).map(Err),
            Poll::Ready(result) => Poll::Ready(result),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let (Some(waiting), Poll::Ready(Ok(count))) = (&mut self.waiting, &result) {
            waiting.written += count;
        }
        self.outcome(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        if let (Some(waiting), Poll::Ready(Ok(count))) = (&mut self.waiting, &result) {
            waiting.written += count;
        }
        self.outcome(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        if result.is_ready() {
            self.waiting = None;
        }
        self.outcome(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.outcome(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_given_up_after_a_period() {
        let (one, _other) = duplex(1_000);
        let mut one = Paced::new(one, PERIOD);
        let start = Instant::now();
        let error = one.write_all(&[7; 2_000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), PERIOD.as_secs());
    }

    /// Reads `bytes` each second.
    async fn read_slowly(mut stream: impl AsyncRead + Unpin, bytes: usize) {
        let mut piece = vec![0; bytes];
        while stream.read_exact(&mut piece).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_kilobyte_a_second_is_waited_for_and_who_takes_less_is_not() {
        for (bytes, enough) in [(1_200, true), (900, false)] {
            let (one, other) = duplex(1_000);
            let mut one = Paced::new(one, PERIOD);
            let reader = tokio::spawn(read_slowly(other, bytes));
            let written = one.write_all(&[7; 100_000]).await;
            assert_eq!(written.is_ok(), enough, "{bytes} bytes a second");
            reader.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_between_two_answers_does_not_count() {
        let (one, mut other) = duplex(1_000);
        let mut one = Paced::new(one, PERIOD);
        let mut piece = [0; 1_500];
        for _ in 0..5 {
            let written = async {
                one.write_all(&[7; 1_500]).await?;
                one.flush().await
            };
            let (written, read) = tokio::join!(written, other.read_exact(&mut piece));
            written.unwrap();
            read.unwrap();
            sleep(PERIOD * 2).await;
        }
    }
}
