//! What the page shows, as plain data: structs, actions and functions from one to the next. No browser type, so that all of
//! it is tested natively.

pub mod connection;
pub mod layout;
pub mod network;
pub mod notice;
pub mod qr;
pub mod room;
pub mod route;
pub mod text;
pub mod validate;
