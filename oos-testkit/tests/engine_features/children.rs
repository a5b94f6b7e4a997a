//! Children that are found in unusual ways: in stores that do not answer at once, written in place, given by values.

use oos_actions::product::MemoryTemplates;
use oos_core::{
    TemplateName,
    analysis::{PermissionOptions, permissions, permissions_with},
    ports::{
        store::StoreError,
        template_store::{StoredTemplate, TemplateStore},
    },
};
use oos_testkit::prelude::*;

use crate::support::template;

/// A store that answers at the second look, as one behind a network does.
#[derive(Debug)]
struct Slow(MemoryTemplates);

async fn later() {
    let mut asked = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[async_trait::async_trait]
impl TemplateStore for Slow {
    async fn get(&self, name: &TemplateName, version: Option<&str>) -> Result<Option<StoredTemplate>, StoreError> {
        later().await;
        self.0.get(name, version).await
    }
    async fn list(&self) -> Result<Vec<TemplateName>, StoreError> {
        self.0.list().await
    }
}

const LEAF: &str = "FormatVersion: OOS-2019-06-01
Tasks:
- Name: look
  Action: ACS::ExecuteAPI
  Properties: {Service: ECS, API: DescribeRegions}
";

const CALLS_LEAF: &str = "Name: on, Action: Acme::Leaf";

#[test]
fn a_store_that_answers_late_is_asked_for_every_child() {
    let in_place = format!(
        "Name: here, Action: ACS::Template, Properties: {{TemplateContent: {{FormatVersion: OOS-2019-06-01, Tasks: [{{{CALLS_LEAF}}}]}}}}"
    );
    let looped =
        format!("Name: each, Action: ACS::Loop, Properties: {{LoopItems: [1], LoopTasks: [{{{CALLS_LEAF}}}]}}");
    let below = "Name: below, Action: Acme::Middle".to_owned();
    for task in [in_place, looped, below] {
        let store = MemoryTemplates::new().with("Acme::Leaf", LEAF).with("Acme::Middle", &template("", &[CALLS_LEAF]));
        let bed = TestBed::new(FakeCloud::new()).templates(Slow(store));
        bed.run(&template("", &[&task]), params! {}).expect_success();
        bed.cloud().calls().of("ECS", "DescribeRegions").count(1);
    }
}

#[test]
fn a_template_may_be_given_by_a_value() {
    let text = template(
        "Parameters: {content: {Type: Json}}",
        &["Name: child, Action: ACS::Template, Properties: {TemplateContent: '{{ content }}'}"],
    );
    let bed = TestBed::new(FakeCloud::new());
    let content = params! {
        "FormatVersion" => "OOS-2019-06-01",
        "Tasks" => [params! {
            "Name" => "look", "Action" => "ACS::ExecuteAPI",
            "Properties" => params! { "Service" => "ECS", "API" => "DescribeRegions" },
        }],
    };
    bed.run(&text, params! { "content" => content }).expect_success();
    bed.cloud().calls().of("ECS", "DescribeRegions").count(1);
    bed.run(&text, params! { "content" => params! { "a" => 1 } }).expect_failure();
}

#[test]
fn values_decide_which_children_an_analysis_looks_into() {
    let bed = TestBed::new(FakeCloud::new()).templates(MemoryTemplates::new().with("Leaf", LEAF));
    let text = template(
        "Parameters: {name: {Type: String}}",
        &["Name: child, Action: ACS::Template, Properties: {TemplateName: '{{ name }}'}"],
    );
    let parsed = oos_core::Template::parse(&text).unwrap();
    let options = PermissionOptions { parameters: params! { "name" => "Leaf" }, ..PermissionOptions::default() };
    let (engine, asked) = (bed.engine().clone(), options.clone());
    let (plan, plans) = bed.block_on(async move { engine.linked_with(&parsed, None, &asked).await }).unwrap();
    assert_eq!(permissions_with(&plan, &plans, &options).actions(), ["ecs:DescribeRegions".into()]);
    assert_eq!(permissions(&plan, &plans).unresolved.len(), 1);
}
