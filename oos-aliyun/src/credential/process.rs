//! `mode: External`: keys from the output of a program (aliyun-client 3.6).
//!
//! No shell is involved. Neither the command nor its output appears in an error: both may hold secrets.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use oos_core::{
    Timestamp, Value,
    ports::credential::{Credential, CredentialError},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Provided, Source, broken, unavailable};
use crate::transport::Runtime;

const NAME: &str = "external";
const LIMIT: Duration = Duration::from_secs(60);

/// Keys from a program.
#[derive(Debug)]
pub struct External {
    runtime: Runtime,
    command: SecretString,
}

impl External {
    /// A source over this command line.
    pub fn new(runtime: Runtime, command: String) -> Self {
        Self { runtime, command: command.into() }
    }
}

#[async_trait]
impl Source for External {
    async fn fetch(&self) -> Result<Option<Provided>, CredentialError> {
        let processes = self.runtime.processes.as_ref();
        let processes = processes.ok_or_else(|| broken(NAME, "external programs are switched off"))?;
        let argv = split(self.command.expose_secret(), cfg!(windows)).map_err(|message| broken(NAME, message))?;
        let output = processes.run(&argv, LIMIT).await;
        let output = output.map_err(|error| unavailable(NAME, format!("the program failed: {}", error.kind())))?;
        read(&output).map(Some)
    }
}

fn read(output: &[u8]) -> Result<Provided, CredentialError> {
    let parsed = std::str::from_utf8(output).ok().and_then(|text| Value::from_json_str(text).ok());
    let answer = parsed.ok_or_else(|| broken(NAME, "the program's output is not JSON"))?;
    let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let need = |key: &str| text(key).ok_or_else(|| broken(NAME, format!("the program's output has no `{key}`")));
    let token = match need("mode")?.to_ascii_lowercase().as_str() {
        "ak" => None,
        "ststoken" => Some(Arc::from(need("sts_token")?)),
        _ => return Err(broken(NAME, "the program's output has a `mode` that is neither AK nor StsToken")),
    };
    let expires = text("expiration").map(Timestamp::parse).transpose();
    let expires = expires.map_err(|_| broken(NAME, "`expiration` of the program's output is not a time"))?;
    let credential = Credential::new(need("access_key_id")?, need("access_key_secret")?, token, expires);
    Ok(Provided { single_use: expires.is_none(), ..Provided::new(credential, NAME) })
}

/// Splits a command line. POSIX: single quotes are literal; in double quotes a backslash escapes `" \ $` and backtick
/// only; elsewhere it escapes the next character, and vanishes with a line end. Windows: a backslash is literal except
/// before `"` inside double quotes.
pub(crate) fn split(command: &str, windows: bool) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' if !windows => single(&mut chars, word.get_or_insert_default())?,
            '"' => double(&mut chars, word.get_or_insert_default(), windows)?,
            '\\' if !windows => match chars.next() {
                Some('\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("the command ends with a backslash"),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if words.is_empty() { Err("the command is empty") } else { Ok(words) }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn single(chars: &mut Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next() {
            Some('\'') => return Ok(()),
            Some(c) => word.push(c),
            None => return Err("a quote of the command is not closed"),
        }
    }
}

fn double(chars: &mut Chars<'_>, word: &mut String, windows: bool) -> Result<(), &'static str> {
    let escapable = |c: &char| if windows { *c == '"' } else { matches!(c, '"' | '\\' | '$' | '`') };
    loop {
        match chars.next() {
            Some('"') => return Ok(()),
            Some('\\') => match chars.next_if(|c| escapable(c) || (!windows && *c == '\n')) {
                Some('\n') => {}
                Some(c) => word.push(c),
                None => word.push('\\'),
            },
            Some(c) => word.push(c),
            None => return Err("a quote of the command is not closed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_a_posix_shell() {
        let words = |text: &str| split(text, false).unwrap();
        assert_eq!(
            words(r#"/bin/x 'a "b' "c \" \n $d" e\ f g'h'i "" "#),
            ["/bin/x", "a \"b", "c \" \\n $d", "e f", "ghi", ""]
        );
        assert_eq!(words("a \\\n b\\\nc"), ["a", "bc"]);
        for bad in ["'a", "\"a", "a\\", "", "  "] {
            assert!(split(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn splits_like_windows() {
        assert_eq!(split(r#"C:\a\b.exe "x \" y" \z"#, true).unwrap(), [r"C:\a\b.exe", r#"x " y"#, r"\z"]);
    }

    #[test]
    fn malformed_output_is_not_shown() {
        for output in ["hidden", r#"{"mode":"hidden"}"#, r#"{"mode":"AK","access_key_id":"a"}"#] {
            let error = read(output.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }
}
