//! Pipes, commas, operators and assignment.

use jaq_core::{
    load::parse::{BinaryOp, Term},
    ops::{Cmp, Math},
};

use super::{Parsed, Parser, node::Node};
use crate::value::Value;

/// The right side of an operator whose results vary slower than those of the left.
const RIGHT: &str = "$oos__right";

/// An operator with how tightly it binds.
#[derive(Clone, Copy)]
enum Operator {
    Alternative,
    Assign,
    Update,
    UpdateMath(Math),
    UpdateAlternative,
    Or,
    And,
    Compare(Cmp),
    Math(Math),
}

const fn operator(symbol: &str) -> Option<(Operator, u8)> {
    use Operator::{Alternative, Assign, Compare, Math as Calculate, Update, UpdateAlternative, UpdateMath};
    Some(match symbol.as_bytes() {
        b"//" => (Alternative, 1),
        b"=" => (Assign, 2),
        b"|=" => (Update, 2),
        b"+=" => (UpdateMath(Math::Add), 2),
        b"-=" => (UpdateMath(Math::Sub), 2),
        b"*=" => (UpdateMath(Math::Mul), 2),
        b"/=" => (UpdateMath(Math::Div), 2),
        b"%=" => (UpdateMath(Math::Rem), 2),
        b"//=" => (UpdateAlternative, 2),
        b"==" => (Compare(Cmp::Eq), 5),
        b"!=" => (Compare(Cmp::Ne), 5),
        b"<" => (Compare(Cmp::Lt), 5),
        b"<=" => (Compare(Cmp::Le), 5),
        b">" => (Compare(Cmp::Gt), 5),
        b">=" => (Compare(Cmp::Ge), 5),
        b"+" => (Calculate(Math::Add), 6),
        b"-" => (Calculate(Math::Sub), 6),
        b"*" => (Calculate(Math::Mul), 7),
        b"/" => (Calculate(Math::Div), 7),
        b"%" => (Calculate(Math::Rem), 7),
        _ => return None,
    })
}

impl<'s> Parser<'s> {
    /// A whole program, or what stands in parentheses.
    pub(super) fn pipe(&mut self) -> Parsed<Node<'s>> {
        self.nested(|p| p.pipe_of(true))
    }

    /// The value of an object entry: a pipe in which a comma ends it.
    pub(super) fn pipe_without_comma(&mut self) -> Parsed<Node<'s>> {
        self.nested(|p| p.pipe_of(false))
    }

    fn pipe_of(&mut self, comma: bool) -> Parsed<Node<'s>> {
        let mut stages = vec![self.commas(comma)?];
        while self.eat("|") {
            stages.push(self.commas(comma)?);
        }
        let single = stages.iter().all(Node::is_single);
        self.balanced(stages, &BinaryOp::Pipe(None), single)
    }

    fn commas(&mut self, comma: bool) -> Parsed<Node<'s>> {
        let mut items = vec![self.expression()?];
        while comma && self.eat(",") {
            items.push(self.expression()?);
        }
        self.balanced(items, &BinaryOp::Comma, false)
    }

    /// The items between the brackets of a list: apart from [`Self::pipe`] because constant lists are made once.
    pub(super) fn list_items(&mut self) -> Parsed<Node<'s>> {
        self.nested(|p| {
            let mut items = vec![p.expression()?];
            while p.eat(",") {
                items.push(p.expression()?);
            }
            if p.symbol() == Some("]") && items.iter().all(|item| matches!(item, Node::Constant(_))) {
                let values = items.into_iter().filter_map(|item| match item {
                    Node::Constant(value) => Some(value),
                    Node::Term(_) => None,
                });
                return Ok(Node::Constant(values.collect()));
            }
            let mut stages = vec![p.balanced(items, &BinaryOp::Comma, false)?];
            while p.eat("|") {
                stages.push(p.commas(true)?);
            }
            let content = p.balanced(stages, &BinaryOp::Pipe(None), false)?;
            let depth = super::node::above([&content]);
            let term = Term::Arr(Some(p.boxed(content)?));
            p.node(term, true, depth)
        })
    }

    /// Everything that binds tighter than a comma.
    pub(super) fn expression(&mut self) -> Parsed<Node<'s>> {
        match self.word() {
            Some("def") => return self.definition(),
            Some("label") => return self.label(),
            _ => {}
        }
        let left = self.operators(0)?;
        if self.eat_word("as") { self.binding(left) } else { Ok(left) }
    }

    /// Operators that bind at least this tightly.
    pub(super) fn operators(&mut self, least: u8) -> Parsed<Node<'s>> {
        let mut left = self.unary()?;
        loop {
            let next = match self.word() {
                Some("or") => Some(("or", Operator::Or, 3)),
                Some("and") => Some(("and", Operator::And, 4)),
                Some(_) => None,
                None => self.symbol().and_then(|s| operator(s).map(|(op, power)| (s, op, power))),
            };
            let Some((symbol, op, power)) = next.filter(|(_, _, power)| *power >= least) else {
                return Ok(left);
            };
            self.at += symbol.len();
            let right_side = if matches!(op, Operator::Alternative) { power } else { power + 1 };
            let right = self.nested(|p| p.operators(right_side))?;
            left = self.operation(left, op, right)?;
            if matches!(power, 2 | 5) && self.same_power_follows(power) {
                return self.unexpected("one comparison or assignment, or parentheses");
            }
        }
    }

    /// True if an operator of the same power follows, where they do not associate.
    fn same_power_follows(&mut self, power: u8) -> bool {
        self.symbol().and_then(operator).is_some_and(|(_, next)| next == power)
    }

    fn operation(&mut self, left: Node<'s>, op: Operator, right: Node<'s>) -> Parsed<Node<'s>> {
        match op {
            Operator::Alternative => self.binary(left, BinaryOp::Alt, right, false),
            Operator::Or | Operator::And => {
                let single = left.is_single() && right.is_single();
                let op = if matches!(op, Operator::Or) { BinaryOp::Or } else { BinaryOp::And };
                self.binary(left, op, right, single)
            }
            Operator::Compare(op) => self.ordered(left, BinaryOp::Cmp(op), right),
            Operator::Math(op) => self.ordered(left, BinaryOp::Math(op), right),
            Operator::Assign => self.call_with("oos__assign", left, right),
            Operator::Update => self.call_with("oos__modify", left, right),
            Operator::UpdateMath(op) => self.update_by(left, BinaryOp::Math(op), right),
            Operator::UpdateAlternative => self.update_by(left, BinaryOp::Alt, right),
        }
    }

    /// An operator on all pairs of results, those of the left varying fastest.
    fn ordered(&mut self, left: Node<'s>, op: BinaryOp<&'s str>, right: Node<'s>) -> Parsed<Node<'s>> {
        if left.is_single() || right.is_single() {
            let single = left.is_single() && right.is_single();
            return self.binary(left, op, right, single);
        }
        let variable = self.variable(RIGHT)?;
        let body = self.binary(left, op, variable, false)?;
        self.bind(right, RIGHT, body)
    }

    /// `paths op= value`.
    fn update_by(&mut self, paths: Node<'s>, op: BinaryOp<&'s str>, value: Node<'s>) -> Parsed<Node<'s>> {
        let variable = self.variable(RIGHT)?;
        let new = self.binary(Node::identity(), op, variable, true)?;
        let update = self.call_with("oos__modify", paths, new)?;
        self.bind(value, RIGHT, update)
    }

    fn call_with(&mut self, name: &'s str, left: Node<'s>, right: Node<'s>) -> Parsed<Node<'s>> {
        let single = name == "oos__modify" || right.is_single();
        let depth = super::node::above([&left, &right]);
        let args = vec![self.term_of(left)?, self.term_of(right)?];
        let term = self.library_call(name, args);
        self.node(term, single, depth)
    }

    /// `-` and `try` before a term.
    pub(super) fn unary(&mut self) -> Parsed<Node<'s>> {
        if self.symbol() == Some("-") {
            self.at += 1;
            return match self.nested(Self::unary)? {
                Node::Constant(Value::Int(i)) if i != 0 => Ok(Node::Constant(Value::Int(i.saturating_neg()))),
                Node::Constant(Value::Float(f)) => Ok(Node::Constant(Value::Float(-f))),
                operand => {
                    let (single, depth) = (operand.is_single(), super::node::above([&operand]));
                    let term = Term::Neg(self.boxed(operand)?);
                    self.node(term, single, depth)
                }
            };
        }
        if self.eat_word("try") {
            return self.nested(|p| {
                let body = p.unary()?;
                let handler = if p.eat_word("catch") { Some(p.unary()?) } else { None };
                p.attempt(body, handler)
            });
        }
        self.postfix()
    }

    /// `try body catch handler`.
    pub(super) fn attempt(&mut self, body: Node<'s>, handler: Option<Node<'s>>) -> Parsed<Node<'s>> {
        let depth = super::node::above([&body].into_iter().chain(&handler));
        let handler = handler.map(|handler| self.boxed(handler)).transpose()?;
        let term = Term::TryCatch(self.boxed(body)?, handler);
        self.node(term, false, depth)
    }
}
