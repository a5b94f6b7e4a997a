//! Mocks of the ports, made by `mockall` (feature `mocks`).
//!
//! A fake comes first: tests of what happened survive changes. A mock is for tests where the number or the order of
//! calls to a port is the point. `mockall` itself is exported, for its predicates and sequences.
//!
//! ```
//! use oos_core::{Value, ports::{ApiCaller, ApiError, ApiRequest, ApiResponse}};
//! use oos_testkit::{VirtualClock, mocks::{MockApiCaller, mockall::Sequence}};
//!
//! let mut order = Sequence::new();
//! let mut cloud = MockApiCaller::new();
//! cloud
//!     .expect_call()
//!     .withf(|request| &*request.api == "StopInstance")
//!     .times(1)
//!     .in_sequence(&mut order)
//!     .returning(|_| Err(ApiError::service("IncorrectInstanceStatus", 403, "it is starting")));
//! cloud.expect_call().times(1).in_sequence(&mut order).returning(|_| Ok(ApiResponse::default()));
//!
//! let stop = || VirtualClock::default().block_on(cloud.call(ApiRequest::new("ECS", "StopInstance", Value::Null)));
//! assert_eq!(stop().unwrap_err().code(), "IncorrectInstanceStatus");
//! assert!(stop().is_ok());
//! ```
#![allow(missing_docs, clippy::ref_option_ref, reason = "the macro writes methods without docs")]

use async_trait::async_trait;
use futures::future::BoxFuture;
pub use mockall;
use mockall::mock;
use oos_core::{
    ExecutionId, Timestamp, Value,
    ports::{
        ActionError, ApiCaller, ApiError, ApiRequest, ApiResponse, Clock, EventSink, ExecutionEvent,
        credential::{Credential, CredentialError, CredentialProvider},
        http::{HttpRequest, HttpResponse, HttpSend, Mail, Mailer},
        ids::IdSource,
        notify::{Message, Notifier},
        parameter_store::{ParameterRef, ParameterStore, ParameterValue},
        store::StoreError,
    },
};

mock! {
    /// A mock of [`ApiCaller`].
    #[derive(Debug)]
    pub ApiCaller {}
    #[async_trait]
    impl ApiCaller for ApiCaller {
        async fn call(&self, request: ApiRequest) -> Result<ApiResponse, ApiError>;
    }
}

mock! {
    /// A mock of [`Notifier`].
    #[derive(Debug)]
    pub Notifier {}
    #[async_trait]
    impl Notifier for Notifier {
        async fn send(&self, message: &Message) -> Result<Value, ActionError>;
    }
}

mock! {
    /// A mock of [`ParameterStore`].
    #[derive(Debug)]
    pub ParameterStore {}
    #[async_trait]
    impl ParameterStore for ParameterStore {
        async fn get(&self, names: &[ParameterRef]) -> Result<Vec<ParameterValue>, StoreError>;
    }
}

mock! {
    /// A mock of [`Clock`].
    #[derive(Debug)]
    pub Clock {}
    impl Clock for Clock {
        fn now(&self) -> Timestamp;
        fn sleep_until(&self, deadline: Timestamp) -> BoxFuture<'static, ()>;
    }
}

mock! {
    /// A mock of [`HttpSend`].
    #[derive(Debug)]
    pub HttpSend {}
    #[async_trait]
    impl HttpSend for HttpSend {
        async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ActionError>;
    }
}

mock! {
    /// A mock of [`Mailer`].
    #[derive(Debug)]
    pub Mailer {}
    #[async_trait]
    impl Mailer for Mailer {
        async fn send(&self, mail: Mail) -> Result<(), ActionError>;
    }
}

mock! {
    /// A mock of [`CredentialProvider`].
    #[derive(Debug)]
    pub CredentialProvider {}
    #[async_trait]
    impl CredentialProvider for CredentialProvider {
        async fn provide(&self) -> Result<Option<Credential>, CredentialError>;
    }
}

mock! {
    /// A mock of [`EventSink`].
    #[derive(Debug)]
    pub EventSink {}
    impl EventSink for EventSink {
        fn emit(&self, event: &ExecutionEvent);
    }
}

mock! {
    /// A mock of [`IdSource`].
    #[derive(Debug)]
    pub IdSource {}
    impl IdSource for IdSource {
        fn execution_id(&self) -> ExecutionId;
    }
}
