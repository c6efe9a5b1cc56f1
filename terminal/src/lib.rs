//! A peer outside the browser: [`client`] over sockets and a file.
//!
//! What a person touches, in the order to read it:
//!
//! 1. [`home`]: the folder in which this program keeps things, and which person an instance is. [`store`]: the database of one person.
//! 2. [`harmless`]: whatever others wrote, as text that can do nothing to a terminal.
//! 3. [`config`]: every limit.

pub mod config;
pub mod harmless;
pub mod home;
pub mod store;
