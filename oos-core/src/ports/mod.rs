//! The ports: what the engine needs of the world, one trait each.
//!
//! A port may reach outside; nothing else in this crate may. All carry `Debug + Send + Sync + 'static` and are used
//! as `Arc<dyn _>`. Defaults refuse, so that nothing reaches out by surprise.

pub mod action;
pub mod api;
pub mod clock;
pub mod control;
pub mod credential;
pub mod event;
pub mod http;
pub mod ids;
pub mod index;
pub mod notify;
pub mod optional;
pub mod parameter_store;
pub mod spawner;
pub mod store;
pub mod template_store;
pub mod trigger;
pub mod vault;

pub use action::{Action, ActionContext, ActionError, ActionErrorKind, Outcome};
pub use api::{ApiCaller, ApiError, ApiErrorKind, ApiRequest, ApiResponse};
pub use clock::Clock;
pub use control::{ControlAction, ControlContext, ControlEvent, Decision};
pub use event::{EventSink, ExecutionEvent};
pub use spawner::Spawner;
