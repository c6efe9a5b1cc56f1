//! The parts that the end-to-end tests and the browser benchmark share: the real server, real browsers, the page as a person
//! meets it, homes behind routers, native peers, and a server that cannot be trusted.
//!
//! Everything real runs on loopback, on ports that the system chooses, or in network namespaces, and ends with the value that started
//! it, also when a test panics. Nothing here waits by sleeping for a guessed time: `wait` asks until something holds, or has not held
//! for long enough.

#[cfg(feature = "e2e")]
pub mod authority;
#[cfg(feature = "e2e")]
pub mod browser;
#[cfg(feature = "e2e")]
pub mod homes;
#[cfg(feature = "e2e")]
pub mod hostile;
#[cfg(feature = "native")]
pub mod native;
#[cfg(feature = "e2e")]
pub mod network;
#[cfg(feature = "e2e")]
pub mod page;
#[cfg(feature = "e2e")]
pub mod room;
#[cfg(feature = "e2e")]
pub mod run;
#[cfg(feature = "e2e")]
pub mod server;
#[cfg(feature = "e2e")]
pub mod wait;
