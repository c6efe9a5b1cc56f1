//! Native peers in a room: real sockets on loopback, and the real server in this process.

mod by_hand;
mod direct;
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod imposter;
mod keeping;
mod meeting;
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod program;
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod screen;
mod secure;
mod server;
