//! The rendezvous server over real sockets: what it does for clients, and what bad ones can do to it.

mod bystanders;
mod client;
mod setup;

mod crowding;
mod door;
mod greedy;
mod hosting;
mod introducing;
mod invalid;
mod odd_http;
mod proxies;
mod stun;
mod web;
