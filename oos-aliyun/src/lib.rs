#![doc = include_str!("../README.md")]

pub mod encode;
pub mod sign;

#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
pub mod credential;
#[cfg(feature = "client")]
pub mod endpoint;
#[cfg(feature = "client")]
pub mod error;
#[cfg(feature = "client")]
mod location;
#[cfg(feature = "oss")]
mod oss;
#[cfg(feature = "client")]
mod request;
#[cfg(feature = "client")]
pub mod retry;
#[cfg(feature = "client")]
pub mod transport;
#[cfg(feature = "client")]
mod xml;

#[cfg(feature = "client")]
pub use builder::{BuildError, ClientBuilder};
#[cfg(feature = "client")]
pub use client::Client;
#[cfg(feature = "client")]
pub use credential::{Credentials, default_chain};
