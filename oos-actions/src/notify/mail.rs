//! The Mail map of a message.
//!
//! Unverified: the readable part of the page shows only Host and Port. CHOICE: the other keys are ours, with the
//! spellings that people are likely to write as aliases (actions.md 13).

use oos_core::{
    Value,
    ports::{ActionError, http::Mail},
};

use crate::properties::{Properties, missing, wrong};

/// Keys that are read.
pub(super) const KEYS: [&str; 14] = [
    "Host",
    "Port",
    "UserName",
    "User",
    "Password",
    "From",
    "To",
    "ToList",
    "Receivers",
    "Cc",
    "Subject",
    "Content",
    "ContentType",
    "Username",
];

/// TLS from the start.
const DEFAULT_PORT: i64 = 465;

pub(super) fn of(properties: &Value) -> Result<Mail, ActionError> {
    let map = Properties(properties).map("Mail")?.ok_or_else(|| missing("Mail"))?;
    let map = Value::from(map);
    let mail = Properties(&map);
    let user = match mail.text("UserName")? {
        Some(user) => Some(user),
        None => mail.text("User")?,
    };
    let to = ["To", "ToList", "Receivers"]
        .iter()
        .map(|key| addresses(mail, key))
        .find(|r| !matches!(r, Ok(v) if v.is_empty()));
    let to = to.transpose()?.ok_or_else(|| missing("Mail.To"))?;
    let port = mail.integer("Port")?.unwrap_or(DEFAULT_PORT);
    let content_type = mail.text("ContentType")?.unwrap_or_else(|| "text/plain".to_owned());
    if !["text/plain", "text/html"].contains(&content_type.as_str()) {
        return Err(wrong("Mail.ContentType", "text/plain or text/html"));
    }
    Ok(Mail {
        host: mail.text("Host")?.ok_or_else(|| missing("Mail.Host"))?,
        port: u16::try_from(port).map_err(|_| wrong("Mail.Port", "a port"))?,
        from: mail.text("From")?.or_else(|| user.clone()).ok_or_else(|| missing("Mail.From"))?,
        login: user.zip(mail.text("Password")?),
        to,
        cc: addresses(mail, "Cc")?,
        subject: mail.text("Subject")?.unwrap_or_default(),
        content: mail.text("Content")?.unwrap_or_default(),
        content_type,
    })
}

/// A list, or text with commas or semicolons.
fn addresses(mail: Properties<'_>, key: &str) -> Result<Vec<String>, ActionError> {
    let texts = mail.texts(key)?;
    let parts = texts.iter().flat_map(|text| text.split([',', ';'])).map(str::trim);
    Ok(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
}
