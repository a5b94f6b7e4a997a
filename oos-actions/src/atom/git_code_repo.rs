//! `ACS::GitCodeRepo`: the address of a repository with a token in it (page "ACS::GitCodeRepo").
//!
//! The product keeps linked accounts; an embedder supplies them through the port `GitAuthorizer`, whose default
//! refuses. The address is secret: it goes into the result document and nowhere else.

use async_trait::async_trait;
use oos_core::{
    ActionName, outputs,
    ports::{
        Action, ActionContext, ActionError, ActionErrorKind, Outcome,
        action::{ActionClass, Property, Signature},
        optional::GitRequest,
    },
    template::ValueType,
};

use crate::{
    failure::{self, Failure},
    properties::{Properties, wrong},
    signature,
};

static NAME: signature::StaticName = signature::StaticName::new(|| ActionName::new("ACS::GitCodeRepo"));

/// The port raises it, and so does its default.
const NO_ACCOUNT: Failure =
    Failure::new(ActionErrorKind::Unsupported, "GitAccountNotAuthorized", "the host has no account for the repository");

const PLATFORMS: [&str; 2] = ["github", "gitee"];

/// `ACS::GitCodeRepo`.
#[derive(Clone, Copy, Debug, Default)]
pub struct GitCodeRepo;

#[async_trait]
impl Action for GitCodeRepo {
    fn name(&self) -> &ActionName {
        &NAME
    }

    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let properties = Properties(ctx.raw_properties());
        let platform = properties.required_text("Platform")?.to_ascii_lowercase();
        if !PLATFORMS.contains(&platform.as_str()) {
            return Err(wrong("Platform", "github or gitee"));
        }
        let request = GitRequest {
            platform,
            owner: properties.required_text("Owner")?,
            organization: properties.text("Organization")?,
            repository: properties.required_text("Repository")?,
        };
        let url = ctx.ports().git.authorized_url(&request).await?;
        Ok(outputs! { "AuthorizedUrl" => url })
    }

    fn signature(&self) -> Signature {
        let text = &[ValueType::String];
        let properties = vec![
            Property::required("Platform", text, "where the repository lies").allowed(PLATFORMS),
            Property::required("Owner", text, "owner of the repository"),
            Property::optional("Organization", text, "organization of the repository"),
            Property::required("Repository", text, "name of the repository"),
        ];
        let description = "gives the address of a repository with its token";
        let signature = signature::closed(&NAME, ActionClass::Custom, description, properties)
            .gives([signature::text("AuthorizedUrl", "address with a token in it: a secret")]);
        failure::list(signature, &[NO_ACCOUNT])
    }
}
