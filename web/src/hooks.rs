//! What components need from the browser around them.

mod delay;
mod keys;
mod route;
mod seconds_until;
mod stay;
mod tick;
mod title;

pub use delay::use_delay;
pub use keys::{use_help_key, use_step};
pub use route::{current, go_to, use_route};
pub use seconds_until::use_seconds_until;
pub(crate) use stay::use_stay;
pub(crate) use tick::use_tick;
pub use title::use_title;
