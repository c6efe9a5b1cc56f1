//! What components need from the browser around them.

mod delay;
mod route;
mod seconds_until;
mod stay;
mod title;
mod today;

pub use delay::use_delay;
pub use route::{go_to, use_route};
pub use seconds_until::use_seconds_until;
pub(crate) use stay::use_stay;
pub use title::use_title;
pub use today::use_today;
