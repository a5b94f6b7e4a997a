//! Encodings: Base64, quoting for shells, and addresses in networks.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{FunctionContext, args};
use crate::{Value, expr::ExprError};

/// Standard alphabet, padded, of the UTF-8 bytes. CHOICE: null gives null, as in the other direction.
pub(super) fn base64_encode(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    if argument.is_null() {
        return Ok(Value::Null);
    }
    let text = args::text(argument, ctx.limits.value_bytes)?;
    Ok(Value::from(STANDARD.encode(text.as_bytes())))
}

/// The text; bytes that are no UTF-8 become replacement characters, because command output is arbitrary.
pub(super) fn base64_decode(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    if argument.is_null() {
        return Ok(Value::Null);
    }
    let text: String = args::scalar_text(argument)?.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(text).map_err(|_| ExprError::function("the text is not Base64"))?;
    Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

/// `[text, dialect]`; the one dialect is PowerShell's argument passing.
pub(super) fn escape(argument: &Value, ctx: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [text, dialect] = args::exactly(argument)?;
    if &*args::scalar_text(&dialect)? != "powershell" {
        return Err(ExprError::function("the only dialect is `powershell`"));
    }
    Ok(Value::from(args::text(&text, ctx.limits.value_bytes)?.replace('"', "\\\"")))
}

/// `[address, network]`, IPv4 or IPv6; an address of the other family is not in the network.
pub(super) fn is_ip_in_cidr(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let [address, network] = args::exactly(argument)?;
    let address = address_of(&args::scalar_text(&address)?)?;
    let network = args::scalar_text(&network)?;
    let no_network = || ExprError::function("the second argument is not a network such as `10.0.0.0/8`");
    let (base, length) = network.trim().split_once('/').ok_or_else(no_network)?;
    let base: IpAddr = base.parse().map_err(|_| no_network())?;
    let length: u32 = length.parse().map_err(|_| no_network())?;
    let (a, b, bits) = match (address, base) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        (_, base) if length <= if base.is_ipv4() { 32 } else { 128 } => return Ok(Value::Bool(false)),
        _ => return Err(no_network()),
    };
    if length > bits {
        return Err(no_network());
    }
    Ok(Value::Bool((a ^ b).checked_shr(bits - length).unwrap_or(0) == 0))
}

fn address_of(text: &str) -> Result<IpAddr, ExprError> {
    text.trim().parse().map_err(|_| ExprError::function("the first argument is not an IP address"))
}
