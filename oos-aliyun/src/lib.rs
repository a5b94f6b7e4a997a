#![doc = include_str!("../README.md")]

pub mod encode;
pub mod sign;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
pub mod credential;
#[cfg(feature = "client")]
pub mod endpoint;
#[cfg(feature = "client")]
pub mod error;
#[cfg(feature = "oss")]
pub mod oss;
#[cfg(feature = "client")]
pub mod retry;
#[cfg(feature = "client")]
pub mod transport;
#[cfg(feature = "oss")]
mod xml;
