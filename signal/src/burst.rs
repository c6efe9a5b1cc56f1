//! A byte stream that is buffered only while it is busy.
//!
//! Few large reads and writes are cheaper than many small ones, but a large buffer for each of thousands of idle
//! sockets is what they would mostly consist of. So a read goes into a buffer that all sockets of a thread share, and
//! what the reader has no room for is kept until it asks again; writes are collected until they are flushed. Between
//! bursts, both are empty, and what they took is handed on to the next socket that is busy on this thread.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Read at once at most.
const READ_BYTES: usize = 64 * 1024;

/// Collected before a write at most.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Buffers that a thread keeps for the next burst.
const SPARE_BUFFERS_MAX: usize = 16;

thread_local! {
    /// Otherwise a busy thread would mostly allocate, and a large buffer is the costliest thing to give back.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// The stream. Nothing is written before a flush, unless the buffer is full.
#[derive(Debug)]
pub(crate) struct Burst<S> {
    stream: S,
    /// Read, and not yet asked for.
    surplus: Bytes,
    /// Written to us, and not yet to the stream.
    collected: Bytes,
}

/// Bytes that are taken from the front.
#[derive(Debug, Default)]
struct Bytes {
    bytes: Vec<u8>,
    taken: usize,
}

impl Bytes {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets the first `count` of the rest, and gives the memory back after the last.
    fn take(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.bytes.len() {
            let mut bytes = std::mem::take(self).bytes;
            bytes.clear();
            SPARE.with_borrow_mut(|spare| {
                if spare.len() < SPARE_BUFFERS_MAX {
                    spare.push(bytes);
                }
            });
        }
    }
}

impl<S> Burst<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            surplus: Bytes::default(),
            collected: Bytes::default(),
        }
    }
}

impl<S: AsyncWrite + Unpin> Burst<S> {
    fn poll_write_collected(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.collected.rest().is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, self.collected.rest()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.collected.take(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Burst<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.surplus.rest().is_empty() {
            return SCRATCH.with_borrow_mut(|scratch| {
                let mut read = ReadBuf::new(scratch);
                ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
                let (now, later) = read.filled().split_at(buffer.remaining().min(read.filled().len()));
                buffer.put_slice(now);
                if !later.is_empty() {
                    self.surplus.push(later);
                }
                Poll::Ready(Ok(()))
            });
        }
        let count = buffer.remaining().min(self.surplus.rest().len());
        buffer.put_slice(&self.surplus.rest()[..count]);
        self.surplus.take(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Burst<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.collected.rest().len() + bytes.len() > WRITE_BYTES_MAX {
            ready!(self.poll_write_collected(context))?;
        }
        let count = bytes.len().min(WRITE_BYTES_MAX);
        self.collected.push(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_collected(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_collected(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..=250u8).cycle().take(length).collect()
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_whatever_the_sizes() {
        // The pipe takes less than a burst, so that writes are partial.
        let (one, other) = duplex(10_000);
        let (mut one, mut other) = (Burst::new(one), Burst::new(other));
        let sent = pattern(300_000);
        let expected = sent.clone();
        let sender = tokio::spawn(async move {
            for (index, chunk) in sent.chunks(70_001).enumerate() {
                one.write_all(chunk).await.unwrap();
                if index % 2 == 0 {
                    one.flush().await.unwrap();
                }
            }
            one.shutdown().await.unwrap();
        });
        let (mut received, mut piece) = (Vec::new(), [0; 777]);
        loop {
            match other.read(&mut piece).await.unwrap() {
                0 => break,
                count => received.extend_from_slice(&piece[..count]),
            }
        }
        sender.await.unwrap();
        assert!(received == expected);
    }

    #[tokio::test]
    async fn nothing_is_written_before_a_flush_and_nothing_kept_after() {
        let (one, mut other) = duplex(100_000);
        let mut one = Burst::new(one);
        one.write_all(b"hello").await.unwrap();
        one.write_all(b" there").await.unwrap();
        assert_eq!(one.collected.rest(), b"hello there");
        one.flush().await.unwrap();
        assert_eq!(one.collected.bytes.capacity(), 0);
        let mut heard = [0; 11];
        other.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello there");

        other.write_all(&pattern(5_000)).await.unwrap();
        let mut half = vec![0; 2_500];
        one.read_exact(&mut half).await.unwrap();
        assert_eq!(one.surplus.rest().len(), 2_500);
        one.read_exact(&mut half).await.unwrap();
        assert_eq!(one.surplus.bytes.capacity(), 0);
    }
}
