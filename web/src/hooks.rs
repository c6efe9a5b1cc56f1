//! What components need from the browser around them.

mod page_visibility;
mod route;
mod seconds_until;

pub use page_visibility::{is_page_hidden, use_page_shown, use_title};
pub use route::{go_to, use_route};
pub use seconds_until::use_seconds_until;
