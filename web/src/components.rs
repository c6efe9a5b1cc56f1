//! The parts that pages are made of. They get values and callbacks, and know nothing of sessions.

pub mod avatar;
pub mod brand;
pub mod bring_back;
pub mod choice;
pub mod composer;
pub mod connection;
pub mod copy;
mod day;
pub mod element;
pub mod field;
pub mod file_card;
pub mod icon;
pub mod invite;
pub mod message_item;
pub mod message_list;
pub mod message_text;
pub mod network;
pub mod notice;
pub mod people;
pub mod pinned;
pub mod preview;
pub mod qr_code;
pub mod rename;
pub mod rooms_bar;
pub mod said_of;
mod suggestions;
pub mod take_along;
