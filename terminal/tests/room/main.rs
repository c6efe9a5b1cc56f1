//! Native peers in a room: real sockets on loopback, and the real server in this process.

mod meeting;
mod secure;
mod server;
