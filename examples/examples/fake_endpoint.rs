//! Serves a fake cloud over HTTP on this machine until standard input closes, for clients of any language.
//!
//! ```text
//! cargo run -p oos-examples --example fake_endpoint --features server -- [--port N] [--pace N] [--instances N]
//! ```
//!
//! OOS itself is served too, by an engine over the same cloud: templates, executions, parameters.
//!
//! It prints one line of JSON with the endpoint, an access key of the account's user `admin`, which may do everything,
//! and the ids of the instances. The cloud's clock starts now and runs `--pace` times as fast as real time (default 1).

#![expect(clippy::print_stdout, reason = "a program")]

use std::{
    io::{Read, Write},
    sync::Arc,
};

use oos_core::params;
use oos_testkit::{
    FakeCloud,
    oos_service::OosService,
    server::{Identity, Server},
};

/// The key that is printed: a user, because the account itself may not assume roles.
const KEY: (&str, &str) = ("LTAIfakeAdmin", "fake-secret-of-admin");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let cloud = FakeCloud::new();
    let ids = cloud.ecs().instances(number(&arguments, "--instances", 2)?).named("fake-{n}").stopped().create();
    cloud.ram().user("admin").allow_all().create();
    let server = Server::builder(&cloud)
        .access_key(KEY.0, KEY.1, Identity::User("admin".to_owned()))
        .mount("OOS", Arc::new(OosService::builder(&cloud).build()?))
        .instance_role("AdminRole")
        .uri_role("AdminRole")
        .port(number(&arguments, "--port", 0)?)
        .real_time(number(&arguments, "--pace", 1)?)
        .start()?;
    let told = params! {
        "endpoint" => server.endpoint(), "host" => server.address().to_string(), "accessKeyId" => KEY.0,
        "accessKeySecret" => KEY.1, "credentialsUri" => server.credentials_uri(), "region" => "cn-hangzhou",
        "account" => cloud.account_id(), "instanceIds" => ids,
    };
    println!("{told}");
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The number after a flag.
fn number<T: std::str::FromStr>(arguments: &[String], flag: &str, otherwise: T) -> Result<T, String> {
    let Some(at) = arguments.iter().position(|a| a == flag) else { return Ok(otherwise) };
    let text = arguments.get(at + 1).ok_or_else(|| format!("{flag} needs a number"))?;
    text.parse().map_err(|_| format!("{flag}: `{text}` is not a number in range"))
}
