//! Numbers: `Fn::Min`, `Fn::Max`, `Fn::Sum`, and the arithmetic of `Fn::Eval`.
//!
//! `Fn::Eval` has numbers, `+ - * / // % **`, parentheses and comparisons with the meaning of the language that the
//! product's authors write it in (floor division, right-associative power). There are no names and no calls.

use std::cmp::Ordering;

use super::{FunctionContext, args};
use crate::{Value, expr::ExprError};

/// The smallest element.
pub(super) fn min(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    extreme(argument, Ordering::Less)
}

/// The largest element.
pub(super) fn max(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    extreme(argument, Ordering::Greater)
}

fn extreme(argument: &Value, wanted: Ordering) -> Result<Value, ExprError> {
    let list = args::list(argument)?;
    let numbers = list.iter().all(|v| v.as_f64().is_some());
    if !numbers && !list.iter().all(|v| v.as_str().is_some()) {
        return Err(ExprError::function("needs a list of numbers only or of text only"));
    }
    let better = |best: Value, next: &Value| if next.cmp(&best) == wanted { next.clone() } else { best };
    let (first, rest) = list.split_first().ok_or_else(|| ExprError::function("the list is empty"))?;
    Ok(rest.iter().fold(first.clone(), better))
}

/// The sum; nulls are skipped, and without numbers it is 0.
pub(super) fn sum(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let list = args::list_or_null(argument)?;
    let mut numbers = list.iter().filter(|v| !v.is_null()).map(args::number);
    numbers.try_fold(Value::Int(0), |total, number| arithmetic('+', &total, &number?))
}

/// `[text]` or the text itself: one line of arithmetic.
pub(super) fn eval(argument: &Value, _: &FunctionContext<'_>) -> Result<Value, ExprError> {
    let text = match argument {
        Value::List(_) => {
            let [text] = args::exactly(argument)?;
            args::scalar_text(&text)?
        }
        other => args::scalar_text(other)?,
    };
    let mut parser = Arithmetic { text: &text, at: 0, depth: 0 };
    let value = parser.comparison()?;
    if parser.peek().is_some() {
        return Err(parser.unexpected());
    }
    Ok(value)
}

/// CHOICE: nesting of parentheses, signs and powers.
const DEPTH: usize = 64;

struct Arithmetic<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Arithmetic<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        let blanks = self.rest().len() - self.rest().trim_start().len();
        self.at += blanks;
        self.rest().chars().next()
    }

    /// Takes the first of the operators that stands here; longer ones come first.
    fn take(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.peek()?;
        let operator = operators.iter().find(|o| self.rest().starts_with(**o))?;
        self.at += operator.len();
        Some(operator)
    }

    fn unexpected(&mut self) -> ExprError {
        match self.peek() {
            Some(_) => {
                let before = self.text.get(..self.at).map_or(0, |before| before.chars().count());
                ExprError::function(format!("the expression is no arithmetic at character {}", before + 1))
            }
            None => ExprError::function("the expression ends too early"),
        }
    }

    fn deeper(&mut self, inner: fn(&mut Self) -> Result<Value, ExprError>) -> Result<Value, ExprError> {
        if self.depth >= DEPTH {
            return Err(ExprError::function(format!("the expression nests deeper than {DEPTH} levels")));
        }
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    /// A chain of comparisons is true when each holds.
    fn comparison(&mut self) -> Result<Value, ExprError> {
        let mut left = self.sum()?;
        let mut holds = None;
        while let Some(operator) = self.take(&["<=", ">=", "==", "!=", "<", ">"]) {
            let right = self.sum()?;
            let order = operand(&left)?.cmp(operand(&right)?);
            let this = match operator {
                "<=" => order.is_le(),
                ">=" => order.is_ge(),
                "==" => order.is_eq(),
                "!=" => order.is_ne(),
                "<" => order.is_lt(),
                _ => order.is_gt(),
            };
            holds = Some(holds.unwrap_or(true) && this);
            left = right;
        }
        Ok(holds.map_or(left, Value::Bool))
    }

    fn sum(&mut self) -> Result<Value, ExprError> {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&["+", "-"]) {
            let right = self.product()?;
            left = arithmetic(if operator == "+" { '+' } else { '-' }, &left, &right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Value, ExprError> {
        let mut left = self.signed()?;
        while let Some(operator) = self.take(&["//", "*", "/", "%"]) {
            let right = self.signed()?;
            let operator = match operator {
                "//" => 'd',
                "*" => '*',
                "/" => '/',
                _ => '%',
            };
            left = arithmetic(operator, &left, &right)?;
        }
        Ok(left)
    }

    /// A sign binds weaker than a power: `-2**2` is -4.
    fn signed(&mut self) -> Result<Value, ExprError> {
        match self.take(&["-", "+"]) {
            Some("-") => {
                let value = self.deeper(Self::signed)?;
                arithmetic('-', &Value::Int(0), &value)
            }
            Some(_) => self.deeper(Self::signed),
            None => self.power(),
        }
    }

    fn power(&mut self) -> Result<Value, ExprError> {
        let base = self.atom()?;
        if self.take(&["**"]).is_none() {
            return Ok(base);
        }
        let exponent = self.deeper(Self::signed)?;
        arithmetic('^', &base, &exponent)
    }

    fn atom(&mut self) -> Result<Value, ExprError> {
        if self.take(&["("]).is_some() {
            let value = self.deeper(Self::comparison)?;
            return if self.take(&[")"]).is_some() { Ok(value) } else { Err(self.unexpected()) };
        }
        self.number()
    }

    fn number(&mut self) -> Result<Value, ExprError> {
        self.peek();
        let mut length = 0;
        let mut previous = ' ';
        for c in self.rest().chars() {
            let sign_of_exponent = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
            let digit = c.is_ascii_digit() || c == '.' || (matches!(c, 'e' | 'E') && length > 0);
            if !digit && !sign_of_exponent {
                break;
            }
            previous = c;
            length += c.len_utf8();
        }
        let number = self.rest().get(..length).and_then(|text| args::numeric(&Value::from(text)));
        let number = number.ok_or_else(|| self.unexpected())?;
        self.at += length;
        Ok(number)
    }
}

fn operand(value: &Value) -> Result<&Value, ExprError> {
    if value.as_f64().is_some() { Ok(value) } else { Err(ExprError::function("needs numbers, not a comparison")) }
}

/// Integers stay integers where they fit into 64 bits, else the result is a float; `d` is floor division, `^` power.
fn arithmetic(operator: char, left: &Value, right: &Value) -> Result<Value, ExprError> {
    let (left, right) = (operand(left)?, operand(right)?);
    if matches!(operator, '/' | 'd' | '%') && right.as_f64() == Some(0.0) {
        return Err(ExprError::function("division by zero"));
    }
    if let (Value::Int(a), Value::Int(b)) = (left, right)
        && let Some(result) = integers(operator, *a, *b)
    {
        return Ok(Value::Int(result));
    }
    let result = floats(operator, left.as_f64().unwrap_or(f64::NAN), right.as_f64().unwrap_or(f64::NAN));
    if result.is_finite() { Ok(Value::Float(result)) } else { Err(ExprError::function("the result is no number")) }
}

fn integers(operator: char, a: i64, b: i64) -> Option<i64> {
    let uneven = |rest: i64| rest != 0 && (rest < 0) != (b < 0);
    match operator {
        '+' => a.checked_add(b),
        '-' => a.checked_sub(b),
        '*' => a.checked_mul(b),
        'd' => Some(a.checked_div(b)? - i64::from(uneven(a.checked_rem(b)?))),
        '%' => a.checked_rem(b).map(|rest| if uneven(rest) { rest + b } else { rest }),
        '^' => a.checked_pow(u32::try_from(b).ok()?),
        _ => None,
    }
}

fn floats(operator: char, a: f64, b: f64) -> f64 {
    match operator {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => a / b,
        'd' => (a / b).floor(),
        '%' => a - b * (a / b).floor(),
        _ => a.powf(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<Value, String> {
        let (limits, selectors) = (crate::Limits::default(), crate::selector::SelectorCache::default());
        let ctx = FunctionContext { now: crate::Timestamp::default(), limits: &limits, selectors: &selectors };
        eval(&Value::from(text), &ctx).map_err(|e| e.message.to_string())
    }

    #[test]
    fn arithmetic_follows_precedence_and_keeps_integers() {
        let cases = [
            ("-7*24", "-168"),
            ("7/2", "3.5"),
            ("7//2", "3"),
            ("-7//2", "-4"),
            ("-7%3", "2"),
            ("7%-3", "-2"),
            ("1+2*3", "7"),
            ("(1+2)*3", "9"),
            ("2**3**2", "512"),
            ("-2**2", "-4"),
            ("2**-1", "0.5"),
            ("--5", "5"),
            ("1.5+1.5", "3"),
            (".5 * 1e3", "500"),
            ("1 < 2 < 3", "true"),
            ("1 < 2 > 3", "false"),
            ("2 == 2.0", "true"),
            ("3 != 3", "false"),
            ("2*-3", "-6"),
            (" -7 * 24 ", "-168"),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(value("9223372036854775807+1").unwrap().kind(), "Number");
    }

    #[test]
    fn what_is_no_arithmetic_is_an_error() {
        for text in ["", "1+", "(1", "1)", "x", "__import__('os')", "1 2", "1/0", "1%0", "10**400", "(1<2)+1", "1..2"] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(value(&"(".repeat(100_000)).is_err());
        assert!(value(&"-".repeat(100_000)).is_err());
        assert!(value(&"2**".repeat(100_000)).is_err());
    }
}
