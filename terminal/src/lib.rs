//! A peer outside the browser: [`client`] over sockets and a file.
//!
//! What a person touches, in the order to read it:
//!
//! 1. [`home`]: the folder in which this program keeps things, and which person an instance is. [`store`]: the database of one person.
//! 2. [`harmless`]: whatever others wrote, as text that can do nothing to a terminal. [`words`]: what is said of the program itself.
//! 3. [`report`]: what is told, as data. [`line`]: what is typed and printed. [`map`]: the network as a picture.
//! 4. [`config`]: every limit.

pub mod args;
#[cfg(test)]
mod cable;
pub mod config;
pub mod desk;
pub mod harmless;
pub mod home;
pub mod line;
pub mod link;
pub mod map;
pub mod report;
pub mod run;
pub mod store;
pub mod words;
