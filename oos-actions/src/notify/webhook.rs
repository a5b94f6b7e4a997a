//! The WebHook map of a message, and what an answer means.

use std::time::Duration;

use oos_core::{
    Value, params,
    ports::{
        ActionError,
        http::{HttpRequest, HttpResponse},
    },
};

use super::{FAILED, link};
use crate::{
    atom::address,
    properties::{Properties, missing},
};

/// Keys that are read.
pub(super) const KEYS: [&str; 3] = ["URI", "Headers", "Content"];

/// CHOICE: time limit of one message.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Chat services that answer 200 for a message they refuse.
const CHAT_HOSTS: [&str; 5] =
    ["oapi.dingtalk.com", "api.dingtalk.com", "qyapi.weixin.qq.com", "open.feishu.cn", "open.larksuite.com"];

/// Members in which they say so.
const CODES: [&str; 3] = ["errcode", "code", "StatusCode"];

pub(super) fn request(properties: &Value, execution_link: Option<&str>) -> Result<HttpRequest, ActionError> {
    let map = Value::from(Properties(properties).map("WebHook")?.ok_or_else(|| missing("WebHook"))?);
    let hook = Properties(&map);
    let url = hook.text("URI")?.ok_or_else(|| missing("WebHook.URI"))?;
    let url = address::parse(url.trim())?;
    let content = hook.get("Content").ok_or_else(|| missing("WebHook.Content"))?;
    let content = execution_link.map_or_else(|| content.clone(), |text| link::append(content, text));
    let headers = hook.map("Headers")?.unwrap_or_default();
    let mut headers: Vec<_> = headers.iter().map(|(k, v)| (k.to_string(), v.to_text().to_string())).collect();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned()));
    }
    let body = content.as_str().map_or_else(|| content.to_string(), str::to_owned).into_bytes();
    Ok(HttpRequest { method: "POST".to_owned(), url: url.into(), headers, body, timeout: TIME_LIMIT, redirects: 0 })
}

/// The result document of an answer. CHOICE: a chat service that answers 200 with a code other than 0 has refused
/// the message (bad token, missing keyword); other hosts may mean anything by such a member (actions.md 13).
pub(super) fn read(request: &HttpRequest, answer: &HttpResponse, judge_codes: bool) -> Result<Value, ActionError> {
    let text = String::from_utf8_lossy(&answer.body);
    let body = Value::from_json_str(&text).unwrap_or_else(|_| Value::from(&*text));
    if !(200..300).contains(&answer.status) {
        return Err(refused(format!("the webhook answered {}", answer.status)));
    }
    if judge_codes && is_chat(&request.url) {
        let code = CODES.iter().find_map(|name| body.get(name).and_then(Value::as_i64).filter(|code| *code != 0));
        if let Some(code) = code {
            let reason = ["errmsg", "msg", "StatusMessage"].iter().find_map(|name| body.get(name)?.as_str());
            return Err(refused(
                format!("the chat service refused the message: {code} {}", reason.unwrap_or_default())
                    .trim_end()
                    .to_owned(),
            ));
        }
    }
    Ok(params! { "StatusCode" => u32::from(answer.status), "Body" => body })
}

fn is_chat(url: &str) -> bool {
    address::parse(url).is_ok_and(|url| url.host_str().is_some_and(|host| CHAT_HOSTS.contains(&host)))
}

fn refused(message: String) -> ActionError {
    FAILED.error(message)
}
