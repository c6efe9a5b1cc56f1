//! Measurements. Each program in `src/bin` is one of them: `cargo xtask bench` and `cargo xtask sim` build what a program
//! needs and start it. The library holds the measures of the comparison of broadcasts, in [`spread`], and what joining a room is, in `pages`.

#[cfg(feature = "join")]
pub mod pages;
pub mod spread;
