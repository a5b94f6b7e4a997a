//! `ACS::GitCodeRepo`.

use oos_actions::atom::GitCodeRepo;
use oos_core::{Value, params, ports::ActionError};

use crate::support::{World, done};

fn repository(platform: &str) -> Value {
    params! { "Platform" => platform, "Owner" => "me", "Organization" => "", "Repository" => "code" }
}

#[test]
fn the_authorized_address_is_the_result_and_nothing_else_knows_it() {
    let world = World::new();
    world.git.push(Ok("https://secret@github.com/me/code".into()));
    let document = done(world.run(&GitCodeRepo, repository("GitHub")));
    assert_eq!(document, params! { "AuthorizedUrl" => "https://secret@github.com/me/code" });
    let request = world.git.only();
    assert_eq!((request.platform.as_str(), request.organization), ("github", None));
    assert!(world.log().is_empty());
}

#[test]
fn without_an_account_it_fails() {
    let world = World::new();
    world.git.push(Err(ActionError::unsupported("GitAccountNotAuthorized", "no account is linked")));
    let error = world.run(&GitCodeRepo, repository("gitee")).unwrap_err();
    assert_eq!(error.to_string(), "GitAccountNotAuthorized: no account is linked");
}

#[test]
fn other_platforms_are_refused() {
    let error = World::new().run(&GitCodeRepo, repository("sourceforge")).unwrap_err();
    assert_eq!(error.to_string(), "InvalidProperty: property `Platform` must be github or gitee");
    let error = World::new().run(&GitCodeRepo, params! { "Platform" => "github" }).unwrap_err();
    assert_eq!(error.to_string(), "InvalidProperty: property `Owner` is missing");
}
