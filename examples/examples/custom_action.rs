//! An action of one's own in ten lines, run by a template.

#![expect(clippy::print_stdout, reason = "a program for people")]

use async_trait::async_trait;
use oos_core::{
    ActionName, Template,
    engine::Engine,
    outputs, params,
    ports::{Action, ActionContext, ActionError, Outcome},
};

#[derive(Debug, serde::Deserialize)]
struct Page {
    message: String,
}

// The ten lines.
#[derive(Debug)]
struct PageOnCall(ActionName);
#[async_trait]
impl Action for PageOnCall {
    fn name(&self) -> &ActionName {
        &self.0
    }
    async fn run(&self, ctx: ActionContext) -> Result<Outcome, ActionError> {
        let page: Page = ctx.properties()?;
        Ok(outputs! { "pageId" => format!("page-{}", page.message.len()), "token" => ctx.idempotency_token() })
    }
}

const TEMPLATE: &str = "
FormatVersion: OOS-2019-06-01
Parameters:
  who: {Type: String}
Tasks:
  - Name: page
    Action: Acme::Pager::Page
    Properties: {message: 'wake up, {{ who }}'}
    Outputs:
      pageId: {Type: String, ValueSelector: pageId}
Outputs:
  pageId: {Type: String, Value: '{{ page.pageId }}'}
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let template = Template::parse(TEMPLATE)?;
    let engine = Engine::builder()
        .actions(oos_actions::standard().with(PageOnCall(ActionName::new("Acme::Pager::Page"))))
        .build()?;
    let execution = engine.start(&template, params! { "who" => "ana" }).await?;
    let finished = execution.wait().await?;
    println!("{}: {}", finished.status, finished.outputs);
    Ok(())
}
