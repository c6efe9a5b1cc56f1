//! Starling in a browser: the page, and the drivers that give the mesh core a body.
pub mod boot;
pub mod driver;
pub mod store;
