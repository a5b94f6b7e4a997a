//! Variables and their patterns: `as $x`, `as [$a, {b: $c}]`, and alternatives with `?//`.

use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};

use super::{
    Parsed, Parser,
    node::{Node, above},
    scope::Filter,
};
use crate::value::Value;

/// Names for the parts of a binding with alternatives.
const INPUT: &str = "$oos__input";
const SOURCE: &str = "$oos__source";
const BODY: &str = "oos__body";

impl<'s> Parser<'s> {
    /// `source as pattern | body`, after the word `as`.
    pub(super) fn binding(&mut self, source: Node<'s>) -> Parsed<Node<'s>> {
        let first = self.pattern()?;
        let mut patterns = vec![first];
        while self.starts_with("?//") {
            self.at += 3;
            patterns.push(self.pattern()?);
        }
        self.expect("|")?;
        let mut names: Vec<&'s str> = patterns.iter().flat_map(variables).collect();
        names.sort_unstable();
        names.dedup();
        let body = self.scoped(|p| {
            p.scope.variables.extend(&names);
            p.pipe()
        })?;
        match patterns.pop() {
            Some(pattern) if patterns.is_empty() => {
                let single = matches!(pattern, Pattern::Var(_)) && source.is_single() && body.is_single();
                self.binary(source, BinaryOp::Pipe(Some(pattern)), body, single)
            }
            Some(last) => {
                patterns.push(last);
                self.alternatives(source, patterns, &names, body)
            }
            None => Ok(body),
        }
    }

    /// Tries the patterns one after another: an error in a pattern or in the body leads to the next. Every variable is
    /// null in those alternatives that do not have it. The body is a definition with the variables as parameters, so that
    /// it exists once.
    fn alternatives(
        &mut self,
        source: Node<'s>,
        patterns: Vec<Pattern<&'s str>>,
        names: &[&'s str],
        body: Node<'s>,
    ) -> Parsed<Node<'s>> {
        let depth = above([&source, &body]) + 2 * u32::try_from(patterns.len()).unwrap_or(u32::MAX);
        let call = Term::Call(BODY, names.iter().map(|name| Term::Var(*name)).collect());
        let pipe = |l, p, r| Term::BinOp(Box::new(l), BinaryOp::Pipe(p), Box::new(r));
        let mut tried: Option<Term<&'s str>> = None;
        for pattern in patterns.into_iter().rev() {
            let bound = pipe(Term::Var(SOURCE), Some(pattern), call.clone());
            tried = Some(match tried {
                None => bound,
                Some(next) => {
                    let handler = pipe(Term::Var(INPUT), None, next);
                    Term::TryCatch(Box::new(bound), Some(Box::new(handler)))
                }
            });
        }
        let mut inner = tried.unwrap_or_default();
        for name in names {
            let null = self.library_call("null", Vec::new());
            inner = pipe(null, Some(Pattern::Var(*name)), inner);
        }
        let definition = Def { name: BODY, args: names.to_vec(), body: self.term_of(body)? };
        let inner = Term::Def(vec![definition], Box::new(inner));
        let inner = pipe(self.term_of(source)?, Some(Pattern::Var(SOURCE)), inner);
        self.node(pipe(Term::Id, Some(Pattern::Var(INPUT)), inner), false, depth)
    }

    /// A pattern. Keys may be computed, so it is parsed in the scope before its own variables.
    pub(super) fn pattern(&mut self) -> Parsed<Pattern<&'s str>> {
        self.nested(|p| {
            if p.starts_with("$") {
                return Ok(Pattern::Var(p.variable_name()?));
            }
            if p.eat("[") {
                let mut items = vec![p.pattern()?];
                while p.eat(",") {
                    items.push(p.pattern()?);
                }
                p.expect("]")?;
                return Ok(Pattern::Arr(items));
            }
            if p.eat("{") {
                let mut members = Vec::new();
                loop {
                    p.pattern_member(&mut members)?;
                    if !p.eat(",") {
                        break;
                    }
                }
                p.expect("}")?;
                return Ok(Pattern::Obj(members));
            }
            p.unexpected("a variable, `[` or `{`")
        })
    }

    fn pattern_member(&mut self, members: &mut Vec<(Term<&'s str>, Pattern<&'s str>)>) -> Parsed<()> {
        self.nodes += 1;
        let start = self.at;
        if self.starts_with("$") {
            let name = self.variable_name()?;
            let key = self.text_term(name.trim_start_matches('$'));
            members.push((key.clone(), Pattern::Var(name)));
            if self.eat(":") {
                // Later computed keys may use the variable.
                self.scope.variables.push(name);
                members.push((key, self.pattern()?));
            }
            return Ok(());
        }
        let key = if self.eat("(") {
            let key = self.pipe()?;
            self.expect(")")?;
            self.checked_key(key, start)?
        } else {
            self.literal_key()?
        };
        self.expect(":")?;
        let key = self.term_of(key)?;
        members.push((key, self.pattern()?));
        Ok(())
    }

    /// `$name`, with the dollar sign.
    pub(super) fn variable_name(&mut self) -> Parsed<&'s str> {
        self.skip_blanks();
        let start = self.at;
        self.at += 1;
        match self.word_here() {
            Some(word) => {
                self.at += word.len();
                Ok(self.text.get(start..self.at).unwrap_or_default())
            }
            None => self.unexpected("the name of a variable"),
        }
    }

    /// A variable in use: its name without the dollar sign, and its value.
    pub(super) fn variable_term(&mut self) -> Parsed<(&'s str, Node<'s>)> {
        let name = self.variable_name()?;
        let start = self.at - name.len();
        let bare = name.trim_start_matches('$');
        if name == "$__loc__" {
            let line = self.text.get(..start).unwrap_or_default().matches('\n').count() as u64 + 1;
            let place = [("file", Value::from("<top-level>")), ("line", Value::from(line))];
            return Ok((bare, Node::Constant(place.into_iter().collect::<crate::Map>().into())));
        }
        if !self.scope.variables.contains(&name) {
            return self.mistake_at(start, format!("`{name}` is not defined"));
        }
        Ok((bare, self.variable(name)?))
    }

    /// `def name(parameters): body; rest`.
    pub(super) fn definition(&mut self) -> Parsed<Node<'s>> {
        self.expect_word("def")?;
        let Some(name) = self.word().filter(|word| !super::KEYWORDS.contains(word)) else {
            return self.unexpected("a name");
        };
        self.at += name.len();
        let mut params = Vec::new();
        if self.eat("(") {
            loop {
                params.push(self.parameter()?);
                if !self.eat(";") {
                    break;
                }
            }
            self.expect(")")?;
        }
        self.expect(":")?;
        let takes_filters = params.iter().any(|param| !param.starts_with('$'));
        let filter = Filter { name, arity: params.len(), takes_filters };
        let body = self.scoped(|p| p.definition_body(filter, &params))?;
        self.expect(";")?;
        let rest = self.scoped(|p| {
            p.scope.filters.push(filter);
            p.pipe()
        })?;
        if takes_filters {
            params.push(super::scope::DEPTH);
        }
        let depth = above([&body, &rest]);
        let definition = Def { name, args: params, body: self.term_of(body)? };
        let (single, rest) = (rest.is_single(), self.boxed(rest)?);
        self.node(Term::Def(vec![definition], rest), single, depth)
    }

    fn parameter(&mut self) -> Parsed<&'s str> {
        if self.starts_with("$") {
            return self.variable_name();
        }
        match self.word() {
            Some(word) => {
                self.at += word.len();
                Ok(word)
            }
            None => self.unexpected("a parameter"),
        }
    }

    /// The body sees its parameters; `$x` as a parameter defines the filter `x` too.
    fn definition_body(&mut self, filter: Filter<'s>, params: &[&'s str]) -> Parsed<Node<'s>> {
        self.scope.filters.push(filter);
        let mut values = Vec::new();
        for param in params {
            let name = param.trim_start_matches('$');
            self.scope.filters.push(Filter { name, arity: 0, takes_filters: false });
            if param.starts_with('$') {
                self.scope.variables.push(param);
                values.push((name, *param));
            }
        }
        let body = self.pipe()?;
        if values.is_empty() {
            return Ok(body);
        }
        let (single, depth) = (body.is_single(), above([&body]));
        let definitions =
            values.into_iter().map(|(name, variable)| Def { name, args: Vec::new(), body: Term::Var(variable) });
        let definitions = definitions.collect();
        let body = self.boxed(body)?;
        self.node(Term::Def(definitions, body), single, depth)
    }
}

pub(super) fn variables<'s>(pattern: &Pattern<&'s str>) -> Vec<&'s str> {
    match pattern {
        Pattern::Var(name) => vec![name],
        Pattern::Arr(items) => items.iter().flat_map(variables).collect(),
        Pattern::Obj(members) => members.iter().flat_map(|(_, pattern)| variables(pattern)).collect(),
    }
}
