//! Native peers in a room: real sockets on loopback, and the real server in this process.

mod meeting;
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod program;
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod screen;
mod secure;
mod server;
