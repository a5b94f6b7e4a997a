//! What an instance asks its surroundings for keys: the metadata service and a credentials URI (aliyun-client 3.4, 3.6).

use oos_core::{Value, params};

use super::{
    answer::Answer,
    handle::Shared,
    keys::{Identity, Key},
    request::WireRequest,
};

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
/// Path of the credentials URI.
pub(crate) const URI_PATH: &str = "/credentials";
/// CHOICE: life of the keys given here; the metadata service's own are said to last six hours.
const LIFE_SECONDS: i64 = 6 * 3600;
/// The only token of the metadata service: it protects nothing here, it must only be sent.
const TOKEN: &str = "metadata-token-of-the-fake";

/// The answer, when the request is one of these.
pub(crate) fn answer(shared: &Shared, request: &WireRequest) -> Option<Answer> {
    let text = |status: u16, text: &str| Some(Answer::new(status, "text/plain", text.to_owned()));
    let role = shared.settings.instance_role.as_deref();
    match (request.method.as_str(), request.path.as_str()) {
        ("PUT", TOKEN_PATH) => match request.header("x-aliyun-ecs-metadata-token-ttl-seconds") {
            Some(_) if role.is_some() => text(200, TOKEN),
            Some(_) => text(404, ""),
            None => text(400, ""),
        },
        ("GET", path) if path.starts_with(ROLES_PATH) && role.is_none() => text(404, ""),
        ("GET", path) if path.starts_with(ROLES_PATH) => {
            // Hardened: version 1 is refused.
            if request.header("x-aliyun-ecs-metadata-token") != Some(TOKEN) {
                return text(403, "");
            }
            match (role, path.strip_prefix(ROLES_PATH).unwrap_or_default()) {
                (Some(role), "") => text(200, role),
                (Some(role), asked) if asked == role => Some(keys(shared, role)),
                _ => text(404, ""),
            }
        }
        ("GET", URI_PATH) => match shared.settings.uri_role.as_deref() {
            Some(role) => Some(keys(shared, role)),
            None => text(404, ""),
        },
        _ => None,
    }
}

/// Fresh keys of a role of the cloud's account.
fn keys(shared: &Shared, role: &str) -> Answer {
    let now = shared.now();
    let (id, secret, token) = shared.fresh_names();
    let until = now.plus_seconds(LIFE_SECONDS);
    let account = shared.cloud.account_id().to_string();
    let identity = Identity::Role { account, name: role.to_owned() };
    let key = Key { secret: secret.clone(), token: Some(token.clone()), since: now, until: Some(until), identity };
    shared.keys.add(&id, key);
    let body: Value = params! {
        "Code" => "Success", "AccessKeyId" => id, "AccessKeySecret" => secret, "SecurityToken" => token,
        "Expiration" => until.to_iso(), "LastUpdated" => now.to_iso(),
    };
    Answer::json(200, &body)
}
