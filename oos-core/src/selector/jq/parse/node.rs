//! Pieces of the tree while it is built: what is constant, what has exactly one result, how deep it is.

use jaq_core::load::{
    lex::StrPart,
    parse::{BinaryOp, Pattern, Term},
};

use super::{MOST_NODES, Mistake, Parsed, Parser};
use crate::value::Value;

/// How deep the tree may be; the compiler and the interpreter recurse over it.
// CHOICE: lists, pipes and commas are balanced and do not count; 150 nested operators fit a stack of 2 MB in debug builds.
const DEEPEST_TREE: u32 = 150;

/// A part of a program.
#[derive(Clone, Debug)]
pub(super) enum Node<'s> {
    /// A constant; lists and maps among them become variables, so that they are made once.
    Constant(Value),
    /// Anything else.
    Term(Part<'s>),
}

#[derive(Clone, Debug)]
pub(super) struct Part<'s> {
    pub(super) term: Term<&'s str>,
    /// True if it is known to give exactly one result or an error.
    pub(super) single: bool,
    pub(super) depth: u32,
}

impl<'s> Node<'s> {
    pub(super) fn identity() -> Self {
        Self::Term(Part { term: Term::Id, single: true, depth: 1 })
    }

    pub(super) fn is_single(&self) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Term(part) => part.single,
        }
    }

    fn depth(&self) -> u32 {
        match self {
            Self::Constant(_) => 1,
            Self::Term(part) => part.depth,
        }
    }
}

/// The depth of what is put on top of some nodes.
pub(super) fn above<'a, 's: 'a>(nodes: impl IntoIterator<Item = &'a Node<'s>>) -> u32 {
    nodes.into_iter().map(Node::depth).max().unwrap_or(0) + 1
}

impl<'s> Parser<'s> {
    /// A node of the tree; refuses programs that are too large or too deep.
    pub(super) fn node(&mut self, term: Term<&'s str>, single: bool, depth: u32) -> Parsed<Node<'s>> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Mistake { message: "the program is too large".into(), offset: None });
        }
        if depth > DEEPEST_TREE {
            return self.mistake_at(self.at, "the program nests too deep");
        }
        Ok(Node::Term(Part { term, single, depth }))
    }

    /// The term of a node: constants become literals or variables.
    pub(super) fn term_of(&mut self, node: Node<'s>) -> Parsed<Term<&'s str>> {
        let value = match node {
            Node::Term(part) => return Ok(part.term),
            Node::Constant(value) => value,
        };
        Ok(match value {
            Value::Null => self.library_call("null", Vec::new()),
            Value::Bool(true) => self.library_call("true", Vec::new()),
            Value::Bool(false) => self.library_call("false", Vec::new()),
            Value::Int(i) => Term::Num(self.keep(i.to_string())),
            Value::Float(f) if f.is_finite() => Term::Num(self.keep(format!("{f:e}"))),
            Value::String(s) => self.text_term(&s),
            value => self.constant(value),
        })
    }

    /// A variable that stands for a constant.
    fn constant(&mut self, value: Value) -> Term<&'s str> {
        let name = self.keep(format!("$oos__{}", self.constants.len()));
        self.constants.push((name, value));
        Term::Var(name)
    }

    /// A constant text. As a variable it is shared, where a literal is copied whenever it is evaluated; but variables
    /// are found by counting, so there are not too many of them.
    pub(super) fn text_term(&mut self, text: &str) -> Term<&'s str> {
        // CHOICE: up to here looking a variable up is faster than copying a text.
        const MOST: usize = 24;
        let known = self.constants.iter().take(MOST).find(|(_, known)| known.as_str() == Some(text));
        match known {
            Some((name, _)) => Term::Var(name),
            None if self.constants.len() < MOST => self.constant(text.into()),
            None => Term::Str(None, vec![StrPart::Str(self.keep(text.to_owned()))]),
        }
    }

    pub(super) fn boxed(&mut self, node: Node<'s>) -> Parsed<Box<Term<&'s str>>> {
        Ok(Box::new(self.term_of(node)?))
    }

    /// A call of a filter of the library.
    pub(super) fn library_call(&mut self, name: &'s str, args: Vec<Term<&'s str>>) -> Term<&'s str> {
        self.calls.push((name, args.len()));
        Term::Call(name, args)
    }

    /// `left op right`.
    pub(super) fn binary(
        &mut self,
        left: Node<'s>,
        op: BinaryOp<&'s str>,
        right: Node<'s>,
        single: bool,
    ) -> Parsed<Node<'s>> {
        let depth = above([&left, &right]);
        let term = Term::BinOp(self.boxed(left)?, op, self.boxed(right)?);
        self.node(term, single, depth)
    }

    /// `source as $name | body`.
    pub(super) fn bind(&mut self, source: Node<'s>, name: &'s str, body: Node<'s>) -> Parsed<Node<'s>> {
        let single = source.is_single() && body.is_single();
        self.binary(source, BinaryOp::Pipe(Some(Pattern::Var(name))), body, single)
    }

    pub(super) fn variable(&mut self, name: &'s str) -> Parsed<Node<'s>> {
        self.node(Term::Var(name), true, 1)
    }

    /// Joins many nodes by an associative operator to a tree that is as shallow as possible.
    pub(super) fn balanced(
        &mut self,
        mut nodes: Vec<Node<'s>>,
        op: &BinaryOp<&'s str>,
        single: bool,
    ) -> Parsed<Node<'s>> {
        if nodes.len() < 2 {
            return Ok(nodes.pop().unwrap_or_else(Node::identity));
        }
        let right = nodes.split_off(nodes.len() / 2);
        let left = self.balanced(nodes, op, single)?;
        let right = self.balanced(right, op, single)?;
        self.binary(left, op.clone(), right, single)
    }

    /// Replaces all but the first of the nodes with several results by variables, so that the results of the first vary
    /// fastest, as in jq; gives what is to be bound.
    pub(super) fn bind_several(&mut self, nodes: &mut [Node<'s>]) -> Parsed<Vec<(&'s str, Node<'s>)>> {
        let mut bound = Vec::new();
        for node in nodes.iter_mut().filter(|node| !node.is_single()).skip(1) {
            let name = self.keep(format!("$oos__part{}", bound.len()));
            let variable = self.variable(name)?;
            bound.push((name, std::mem::replace(node, variable)));
        }
        Ok(bound)
    }

    /// Binds what [`Self::bind_several`] took out, the last outermost.
    pub(super) fn bound(&mut self, body: Node<'s>, bound: Vec<(&'s str, Node<'s>)>) -> Parsed<Node<'s>> {
        bound.into_iter().try_fold(body, |body, (name, source)| self.bind(source, name, body))
    }
}
