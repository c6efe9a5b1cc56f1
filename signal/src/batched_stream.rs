//! A byte stream that is buffered only while it is busy.
//!
//! Few large reads and writes are cheaper than many small ones. A large buffer for each socket, on the other hand, would be
//! most of what thousands of idle sockets cost. So a read goes into a buffer that all sockets of a thread share, and bytes
//! for which the reader has no room are kept until the reader asks again. Writes are collected until they are flushed.
//! Between batches both buffers are empty, and their memory goes to the next busy socket of this thread.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    config::{SPARE_BUFFERS_MAX, STREAM_READ_BYTES_MAX, STREAM_WRITE_BYTES_MAX},
    fragments::FragmentCounter,
};

thread_local! {
    /// Buffers for the next batch. Without them a busy thread would mostly allocate and free.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; STREAM_READ_BYTES_MAX].into_boxed_slice());
}

/// The stream. Nothing is written before a flush, unless the write batch is full. A read fails with
/// [`TooManyFragments`](crate::fragments::TooManyFragments) inside if that is what arrives.
#[derive(Debug)]
pub(crate) struct BatchedStream<S> {
    stream: S,
    /// Bytes that were read and not yet asked for.
    read_ahead: Buffer,
    /// Bytes that were written to us and not yet to the stream.
    write_batch: Buffer,
    /// `None` if nobody cares any more what arrives.
    fragments: Option<FragmentCounter>,
}

/// Buffer that are taken from the front.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// How many bytes from the front have been consumed.
    read: usize,
}

impl Buffer {
    fn unread(&self) -> &[u8] {
        &self.bytes[self.read..]
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Consumes the first `count` unread bytes. Gives the memory back after the last byte.
    fn consume(&mut self, count: usize) {
        self.read += count;
        if self.read >= self.bytes.len() {
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

impl<S> BatchedStream<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            read_ahead: Buffer::default(),
            write_batch: Buffer::default(),
            fragments: Some(FragmentCounter::default()),
        }
    }

    /// From now on anything may arrive.
    pub(crate) fn stop_counting(&mut self) {
        self.fragments = None;
    }
}

impl<S: AsyncWrite + Unpin> BatchedStream<S> {
    fn poll_write_batch(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.write_batch.unread().is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, self.write_batch.unread()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.write_batch.consume(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BatchedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read_ahead.unread().is_empty() {
            return SCRATCH.with_borrow_mut(|scratch| {
                let mut read = ReadBuf::new(scratch);
                ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
                if let Some(fragments) = &mut self.fragments {
                    fragments.see(read.filled()).map_err(io::Error::other)?;
                }
                let (now, later) = read.filled().split_at(buffer.remaining().min(read.filled().len()));
                buffer.put_slice(now);
                if !later.is_empty() {
                    self.read_ahead.push(later);
                }
                Poll::Ready(Ok(()))
            });
        }
        let count = buffer.remaining().min(self.read_ahead.unread().len());
        buffer.put_slice(&self.read_ahead.unread()[..count]);
        self.read_ahead.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BatchedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.write_batch.unread().len() + bytes.len() > STREAM_WRITE_BYTES_MAX {
            ready!(self.poll_write_batch(context))?;
        }
        let count = bytes.len().min(STREAM_WRITE_BYTES_MAX);
        self.write_batch.push(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_batch(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_batch(context))?;
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
        // The pipe takes less than a batch, so that writes are partial.
        let (one, other) = duplex(10_000);
        let (mut one, mut other) = (BatchedStream::new(one), BatchedStream::new(other));
        other.stop_counting();
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
        let mut one = BatchedStream::new(one);
        one.stop_counting();
        one.write_all(b"hello").await.unwrap();
        one.write_all(b" there").await.unwrap();
        assert_eq!(one.write_batch.unread(), b"hello there");
        one.flush().await.unwrap();
        assert_eq!(one.write_batch.bytes.capacity(), 0);
        let mut heard = [0; 11];
        other.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello there");

        other.write_all(&pattern(5_000)).await.unwrap();
        let mut half = vec![0; 2_500];
        one.read_exact(&mut half).await.unwrap();
        assert_eq!(one.read_ahead.unread().len(), 2_500);
        one.read_exact(&mut half).await.unwrap();
        assert_eq!(one.read_ahead.bytes.capacity(), 0);
    }
}
