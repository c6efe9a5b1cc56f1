//! The parts that the end-to-end tests and the browser benchmark share: the real server, real browsers, the page as a person
//! meets it, homes behind routers, native peers, and a server that cannot be trusted.
//!
//! Everything real runs on loopback, on ports that the system chooses, or in network namespaces, and ends with the value that started
//! it, also when a test panics. Nothing here waits by sleeping for a guessed time: `wait` asks until something holds, or has not held
//! for long enough.

#[cfg(feature = "browsers")]
pub mod authority;
#[cfg(feature = "browsers")]
pub mod browser;
#[cfg(feature = "browsers")]
pub mod homes;
#[cfg(feature = "browsers")]
pub mod hostile;
#[cfg(feature = "native")]
pub mod native;
#[cfg(feature = "browsers")]
pub mod network;
#[cfg(feature = "browsers")]
pub mod page;
#[cfg(feature = "browsers")]
pub mod room;
#[cfg(feature = "browsers")]
pub mod run;
#[cfg(feature = "browsers")]
pub mod server;
#[cfg(feature = "browsers")]
pub mod wait;
